'use strict';

const { Etcd } = require('../etcd');

/** A key that means itself: the client takes `%41` in a key for an A, as node-etcd did. */
const literal = (key) => key.replaceAll('%', '%25');

/** A client whose keys are what servers call them. Its other methods call these. */
class LiteralEtcd extends Etcd {
  get(key, options) {
    return super.get(literal(key), options);
  }

  set(key, value, options) {
    return super.set(literal(key), value, options);
  }

  create(dir, value, options) {
    return super.create(literal(dir), value, options);
  }

  del(key, options) {
    return super.del(literal(key), options);
  }
}

module.exports = { LiteralEtcd, literal };
