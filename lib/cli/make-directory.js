'use strict';

const { NOT_A_FILE, readNode } = require('./nodes');

/** Makes a directory; the time to live of one that is there is changed. */
async function makeDirectory(etcd, key, ttl) {
  try {
    return await etcd.mkdir(key, ttl);
  } catch (error) {
    if (error.errorCode !== NOT_A_FILE) throw error;
    const there = await readNode(etcd, key);
    if (there?.ttl === undefined && ttl.ttl === undefined) return undefined;
    return await etcd.mkdir(key, { ...ttl, prevExist: true });
  }
}

module.exports = { makeDirectory };
