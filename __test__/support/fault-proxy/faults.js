'use strict';

// What a fault proxy does to a connection. A fault lets bytes of one direction pass up to where it strikes, and goes on
// from there as it likes:
//
//   way      'down' (to the client), 'up', or 'either'
//   where    (dice, limits) => find(bytes): where in these bytes it strikes, or -1
//   strike   (rest, { chunks, link, dice, limits }) => what to send instead of `rest` and the `chunks` after it, if anything
//
// The limits are those of a plan, see index.js.

const { setTimeout: sleep } = require('node:timers/promises');

const END_OF_HEAD = '\r\n\r\n';
const startsReply = (bytes) => bytes.toString('latin1', 0, 7) === 'HTTP/1.';

/** After a random number of bytes. */
function anywhere(dice, { bytes }) {
  let left = dice.below(bytes);
  return ({ length }) => {
    const at = left < length ? left : -1;
    left -= length;
    return at;
  };
}

/** Before a chunk as it was received: a random one of the first few. */
function betweenChunks(dice, { replies }) {
  let left = dice.below(replies);
  return () => (left-- > 0 ? -1 : 0);
}

/** At the start of a reply: a random one of the first few. */
function repliesFrom(dice, { replies }) {
  let left = dice.below(replies);
  return (bytes) => startsReply(bytes) && left-- <= 0;
}

/** Within the head of a reply. */
function withinHead(dice, limits) {
  const isReached = repliesFrom(dice, limits);
  return (bytes) => {
    if (!isReached(bytes)) return -1;
    const end = bytes.indexOf(END_OF_HEAD);
    return dice.below(end < 0 ? bytes.length : end + END_OF_HEAD.length);
  };
}

/** Within the body of a reply, before its end. */
function withinBody(dice, limits) {
  const isReached = repliesFrom(dice, limits);
  let isBody = false;
  return (bytes) => {
    if (isBody) return dice.below(bytes.length);
    if (!isReached(bytes)) return -1;
    const end = bytes.indexOf(END_OF_HEAD) + END_OF_HEAD.length;
    isBody = true;
    return end < bytes.length ? end + dice.below(bytes.length - end) : -1;
  };
}

async function* all(rest, chunks) {
  yield rest;
  yield* chunks;
}

const FAULTS = {
  /** The connection is reset. Bytes which the client has not read yet may be lost as well. */
  reset: {
    way: 'either',
    where: anywhere,
    strike: (_rest, { link }) => link.reset(),
  },
  /** Each chunk comes later, for a while. */
  delay: {
    way: 'either',
    where: anywhere,
    async *strike(rest, { chunks, dice, limits }) {
      let left = limits.delays;
      for await (const bytes of all(rest, chunks)) {
        if (left-- > 0) await sleep(dice.within(limits.delayMs));
        yield bytes;
      }
    },
  },
  /** Nothing moves any more; the sender finds its buffers full. */
  stall: {
    way: 'down',
    where: anywhere,
    strike: (_rest, { link }) => link.held(),
  },
  /** One direction's bytes vanish, the connection stays open. */
  blackHole: {
    way: 'either',
    where: anywhere,
    async strike(_rest, { chunks, link }) {
      const held = link.held();
      for await (const _ of chunks);
      await held;
    },
  },
  /** Random bytes instead of the rest, and the end. */
  garbage: {
    way: 'down',
    where: anywhere,
    async *strike(_rest, { link, dice }) {
      yield dice.bytes(dice.within([1, 400]));
      link.close();
    },
  },
  /** One direction ends, the other one stays. */
  halfClose: {
    way: 'either',
    where: anywhere,
    strike(_rest, { link }) {
      link.held();
    },
  },
  /** A few bytes at a time, for a while. */
  drip: {
    way: 'either',
    where: anywhere,
    async *strike(rest, { chunks, dice, limits }) {
      let left = limits.dripBytes;
      for await (let bytes of all(rest, chunks)) {
        for (; left > 0 && bytes.length > 0; await sleep(1)) {
          const some = bytes.subarray(0, dice.within([1, 8]));
          yield some;
          bytes = bytes.subarray(some.length);
          left -= some.length;
        }
        if (bytes.length > 0) yield bytes;
      }
    },
  },
  /** A chunk comes twice. */
  duplicate: {
    way: 'down',
    where: betweenChunks,
    async *strike(rest, { chunks }) {
      yield rest;
      yield* all(rest, chunks);
    },
  },
};

/** The end, within a reply. */
const cut = (where) => ({
  way: 'down',
  where,
  strike: (_rest, { link }) => link.close(),
});
FAULTS.cutHead = cut(withinHead);
FAULTS.cutBody = cut(withinBody);

/** `chunks` with the fault in it; `onStrike` is called when it strikes. */
async function* faulty(chunks, fault, context, onStrike) {
  const find = fault.where(context.dice, context.limits);
  for await (const bytes of chunks) {
    const at = find(bytes);
    if (at < 0) {
      yield bytes;
      continue;
    }
    if (at > 0) yield bytes.subarray(0, at);
    onStrike();
    yield* (await fault.strike(bytes.subarray(at), { ...context, chunks })) ?? [];
    return;
  }
}

module.exports = { FAULTS, faulty };
