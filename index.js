'use strict';

require('./lib/addon'); // first, as it says so if nothing else here can work
const { Etcd } = require('./lib/etcd');
const { CancellationToken } = require('./lib/token');
const { Watcher } = require('./lib/watcher');

module.exports = Object.assign(Etcd, { CancellationToken, Etcd, Watcher, default: Etcd });
