'use strict';

const { Etcd } = require('./lib/etcd');
const { CancellationToken } = require('./lib/token');
const { Watcher } = require('./lib/watcher');

module.exports = Object.assign(Etcd, { CancellationToken, Etcd, Watcher, default: Etcd });
