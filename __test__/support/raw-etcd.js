'use strict';

// etcd's v2 keys by nothing but node:http and node:https: for those parts of a test that others are held against.

const http = require('node:http');
const https = require('node:https');

class RawEtcd {
  #url;
  #http;
  #agent;

  /** `server` is a `host:port` or a URL. */
  constructor(server, maxSockets = 1) {
    this.#url = server.includes('://') ? server : `http://${server}`;
    this.#http = server.startsWith('https:') ? https : http;
    this.#agent = new this.#http.Agent({ keepAlive: true, maxSockets });
  }

  /** Resolves with { status, index, body }, the body parsed; `form` is sent as the body. */
  ask(method, key, { query = {}, form } = {}) {
    const url = `${this.#url}/v2/keys${key}?${new URLSearchParams(query)}`;
    const headers = form && { 'content-type': 'application/x-www-form-urlencoded' };
    return new Promise((resolve, reject) => {
      const request = this.#http.request(url, { method, agent: this.#agent, headers }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part) => {
          text += part;
        });
        response.on('error', reject);
        response.on('end', () => {
          const index = Number(response.headers['x-etcd-index']);
          resolve({ status: response.statusCode, index, body: text && JSON.parse(text) });
        });
      });
      request.on('error', reject);
      request.end(form && String(new URLSearchParams(form)));
    });
  }

  close() {
    this.#agent.destroy();
  }
}

module.exports = { RawEtcd };
