"""A bounded load: keep-alive and fresh connections, every failure kept."""

import http.client
import threading
import time


class Load:
    """Clients that request one host until stopped; use as a context."""

    def __init__(self, port, host, keepalive=2, fresh=2, pause=0.005, method="GET"):
        self.port, self.host, self.pause, self.method = port, host, pause, method
        self.failures, self.answers, self.last = [], 0, ""
        self.seconds = []  # of each request
        self.stop = threading.Event()
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.client, args=(True,)) for _ in range(keepalive)]
        self.threads += [threading.Thread(target=self.client, args=(False,)) for _ in range(fresh)]

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for t in self.threads:
            t.join()

    def client(self, keep):
        connection = None
        while not self.stop.is_set():
            try:
                if connection is None:
                    connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
                started = time.monotonic()
                connection.request(self.method, "/", headers={"Host": self.host})
                response = connection.getresponse()
                body = response.read().decode(errors="replace")
                self.seconds.append(time.monotonic() - started)
                self.note(response.status, body)
                if not keep or response.will_close:
                    connection.close()
                    connection = None
            except (OSError, http.client.HTTPException) as error:
                self.note(0, repr(error))
                connection.close()
                connection = None
            self.stop.wait(self.pause)

    def p99(self):
        """Milliseconds within which 99 of 100 requests were answered."""
        return 1000 * sorted(self.seconds)[int(len(self.seconds) * 0.99)]

    def note(self, status, body):
        with self.lock:
            self.answers += 1
            if status == 200:
                self.last = body
            else:
                self.failures.append((round(time.monotonic(), 2), status, body[:200]))
