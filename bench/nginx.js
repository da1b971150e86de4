'use strict';

// nginx with canned replies of an etcd: a server that is faster than its clients.

const fs = require('node:fs');
const path = require('node:path');
const nginx = require('../scripts/nginx');
const { get, list, set } = require('./replies');

function configure(port, folder) {
  fs.writeFileSync(path.join(folder, 'list'), list);
  return `
  default_type application/json;
  keepalive_timeout 1h;
  keepalive_requests 1000000000;
  add_header X-Etcd-Cluster-Id cdf818194e3a8c32;
  add_header X-Etcd-Index 9;
  add_header X-Raft-Index 10;
  add_header X-Raft-Term 2;
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location = /v2/keys/bench/list { alias ${folder}/list; }
    location / {
      if ($request_method = PUT) { return 201 '${set}'; }
      return 200 '${get}';
    }
  }`;
}

/** Starts one on a free port: { host, stop }. */
const startNginx = () => nginx.startNginx(configure);

module.exports = { startNginx };
