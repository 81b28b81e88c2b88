"""git's push protocol by hand, for what the stock client would never send."""

import hashlib
import http.client
import struct
import zlib

ZERO = "0" * 40
PUSH_TYPE = "application/x-git-receive-pack-request"
TYPES = {"commit": 1, "tree": 2, "blob": 3}


def pkt(line):
    return b"%04x" % (len(line) + 4) + line


def oid(kind, data):
    return hashlib.sha1(b"%s %d\0" % (kind.encode(), len(data)) + data).hexdigest()


def head(number, size):
    out, byte, size = [], number << 4 | size & 15, size >> 4
    while size:
        out.append(byte | 128)
        byte, size = size & 127, size >> 7
    return bytes(out + [byte])


def entry(kind, data, size=None):
    """One object of a pack; size is what its header claims."""
    return head(TYPES[kind], len(data) if size is None else size) + zlib.compress(data)


def ref_delta(base, delta):
    return head(7, len(delta)) + bytes.fromhex(base) + zlib.compress(delta)


def varint(n):
    out = []
    while n >> 7:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes(out + [n])


def pack(entries):
    body = b"PACK" + struct.pack(">II", 2, len(entries)) + b"".join(entries)
    return body + hashlib.sha1(body).digest()


EMPTY_PACK = pack([])


def tree(*entries):
    return b"".join(b"%s %s\0" % (mode.encode(), name.encode()) + bytes.fromhex(id) for mode, name, id in entries)


def commit(tree_id, parent=None):
    lines = [f"tree {tree_id}"] + ([f"parent {parent}"] if parent else [])
    lines += [f"{who} t <t@e> 1700000000 +0000" for who in ("author", "committer")]
    return ("\n".join(lines) + "\n\nmessage\n").encode()


def one_commit(tree_data, blobs=(b"hello",)):
    """(commit id, the entries of a pack with it)"""
    c = commit(oid("tree", tree_data))
    return oid("commit", c), [entry("commit", c), entry("tree", tree_data), *(entry("blob", b) for b in blobs)]


def commands(refs, caps="report-status side-band-64k"):
    """refs: (old, new, name) each."""
    lines = [f"{old} {new} {name}".encode() for old, new, name in refs]
    lines[0] += b"\0" + caps.encode()
    return b"".join(pkt(line) for line in lines) + b"0000"


def bands(answer):
    """(what band 1 says, what the person who pushes reads)"""
    report, said = b"", b""
    while answer:
        size = int(answer[:4], 16)
        if size > 4:
            if answer[4] == 1:
                report += answer[5:size]
            else:
                said += answer[5:size]
        answer = answer[max(size, 4):]
    return report, said


def post(port, body, service="git-receive-pack", headers=None):
    """(status, the whole answer)"""
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        c.request("POST", "/x.git/" + service, body=body,
                  headers={"Content-Type": f"application/x-{service}-request", **(headers or {})})
        r = c.getresponse()
        return r.status, r.read()
    finally:
        c.close()


def push(port, refs, body=b"", caps="report-status side-band-64k"):
    """(report, said) of a push of refs with this pack."""
    status, answer = post(port, commands(refs, caps) + body)
    assert status == 200, answer
    return bands(answer)
