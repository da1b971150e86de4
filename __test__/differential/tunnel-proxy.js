'use strict';

// A proxy that opens tunnels (CONNECT) and nothing else, in our own process. For a stage of the differential tests it
// looks like a scripted server; a script's first step can be { refuse: status }.

const http = require('node:http');
const net = require('node:net');

class TunnelProxy {
  #requests = [];
  #sockets = new Set();
  #accepted = 0;
  #refuse;

  async start() {
    this.server = http.createServer((_request, response) => response.writeHead(405).end());
    this.server.on('connection', (socket) => {
      this.#accepted += 1;
      this.#watch(socket);
    });
    this.server.on('connect', (request, socket) => this.#connect(request, socket));
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.port = this.server.address().port;
    return this;
  }

  #watch(socket) {
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => this.#sockets.delete(socket));
  }

  #connect({ method, url, headers }, socket) {
    this.#requests.push({ method, url, path: url, query: '', headers, body: '' });
    if (this.#refuse) return socket.end(`HTTP/1.1 ${this.#refuse} Refused\r\nContent-Length: 0\r\n\r\n`);
    const [host, port] = url.split(':');
    const target = net.connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      target.pipe(socket).pipe(target);
    });
    this.#watch(target);
    target.on('close', () => socket.destroy());
    socket.on('close', () => target.destroy());
    return undefined;
  }

  requests = async () => this.#requests;
  connections = async () => this.#accepted;

  async forget() {
    this.#requests = [];
  }

  async setScript([first]) {
    this.#refuse = first?.refuse;
  }

  async stop() {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

const startTunnelProxy = () => new TunnelProxy().start();

module.exports = { startTunnelProxy };
