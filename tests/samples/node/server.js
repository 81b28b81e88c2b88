// A small app with one dependency: says hello, its version and its settings.
const express = require("express");

const app = express();

app.get("/", (request, response) => {
  response.type("text/plain").send(`Hello from Node.js ${process.version}\n`);
});

app.get("/config/:name", (request, response) => {
  response.type("text/plain").send(`${process.env[request.params.name] ?? ""}\n`);
});

const server = app.listen(process.env.PORT, () => {
  console.log(`listening on ${process.env.PORT}`);
});

process.on("SIGTERM", () => {
  server.close(() => process.exit(0));
});
