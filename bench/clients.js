'use strict';

// The contestants, each with the same few methods. `done(err, body)` gets the parsed body.

const http = require('node:http');

const { KEY, VALUE, listNodes } = require('./replies');

const KEYS = '/v2/keys/';
/** As many connections as node-etcd opens at most. */
const CONNECTIONS = 100;

/** This package, or another checkout of it. */
const subject = (host, options) => etcdLike(require(process.env.BENCH_SUBJECT ?? '..'), host, options);

/** node-etcd and what replaces it. */
function etcdLike(Etcd, host, options) {
  const etcd = new Etcd(host, options);
  return {
    etcd,
    get: (key, done) => etcd.get(key, done),
    set: (key, value, done) => etcd.set(key, value, done),
    list: (key, done) => etcd.get(key, { recursive: true }, done),
    getSync: (key) => etcd.getSync(key),
    setSync: (key, value) => etcd.setSync(key, value),
  };
}

/** On a store in this process, which holds what nginx answers with. */
function inMemory() {
  const store = require('..').memory();
  store.load(Object.fromEntries([[KEY, VALUE], ...listNodes().map(({ key, value }) => [key, value])]));
  return subject(store.host);
}

/** A list's text, parsed: what each client has to do at least. */
function parsed() {
  const { list } = require('./replies');
  return { list: (_, done) => setImmediate(() => done(undefined, JSON.parse(list))) };
}

/** The promise form. */
function awaited(host) {
  const { etcd } = subject(host);
  return {
    get: async (key, done) => done(undefined, await etcd.get(key)),
    set: async (key, value, done) => done(undefined, await etcd.set(key, value)),
  };
}

function undici(host) {
  const { Pool } = require('undici');
  const pool = new Pool(`http://${host}`, { connections: CONNECTIONS });
  const send = async (options, done) => {
    const { body } = await pool.request(options);
    done(undefined, await body.json());
  };
  return methods(
    (path, done) => send({ method: 'GET', path }, done),
    (path, body, headers, done) => send({ method: 'PUT', path, body, headers }, done),
  );
}

function nodeHttp(host) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const [hostname, port] = host.split(':');
  const send = (method, path, body, headers, done) => {
    const request = http.request({ agent, hostname, port, method, path, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part) => {
        text += part;
      });
      response.on('end', () => done(undefined, JSON.parse(text)));
    });
    request.on('error', done);
    request.end(body);
  };
  return methods(
    (path, done) => send('GET', path, undefined, {}, done),
    (path, body, headers, done) => send('PUT', path, body, headers, done),
  );
}

/** What node-etcd sends, sent by an HTTP client. */
function methods(get, put) {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return {
    get: (key, done) => get(KEYS + key, done),
    set: (key, value, done) => put(KEYS + key, `value=${encodeURIComponent(value)}`, headers, done),
    list: (key, done) => get(`${KEYS}${key}?recursive=true`, done),
  };
}

/** The client of the v3 API, over gRPC. */
function etcd3(host) {
  const { Etcd3 } = require('etcd3');
  const client = new Etcd3({ hosts: `http://${host}` });
  return {
    get: async (key, done) => done(undefined, await client.get(key).string()),
    set: async (key, value, done) => done(undefined, await client.put(key).value(value)),
  };
}

const CLIENTS = {
  'node-etcd-native': (host) => subject(host),
  'node-etcd-native, await': awaited,
  'node-etcd-native, memory': inMemory,
  'node-etcd-native, v3': (host) => subject(host, { api: 'v3' }),
  'node-etcd-native, v3-json': (host) => subject(host, { api: 'v3-json' }),
  'JSON.parse': parsed,
  before: (host) => subject(host),
  undici,
  'node:http': nodeHttp,
  etcd3,
  'node-etcd': (host) => etcdLike(require('node-etcd'), host),
};

const MODULES = {
  'node-etcd-native': '..',
  before: process.env.BENCH_SUBJECT,
  'node-etcd': 'node-etcd',
  undici: 'undici',
};

module.exports = { CLIENTS, MODULES };
