'use strict';

// Reads all that happens in an etcd of v3, directly, from one watch of its gateway, and tells it as v2's events: a process.
//   node recorder-v3.js <host>

const { setTimeout: sleep } = require('node:timers/promises');
const { ALL_KEYS, RawV3 } = require('../raw-v3');
const { answerCalls, tell } = require('../remote-process');
const { eventOf, revisionsOf } = require('./revision');

const etcd = new RawV3(`http://${process.argv[2]}`);

async function record(from) {
  let next = from;
  const follow = async () => {
    for await (const result of etcd.watch({ ...ALL_KEYS, start_revision: String(next), prev_kv: true })) {
      if (result.canceled) throw new Error(`The recorder's watch from ${next} is refused: ${JSON.stringify(result)}`);
      for (const events of revisionsOf(result.events ?? [])) {
        next = Number(events[0].kv.mod_revision) + 1;
        const event = eventOf(events);
        if (event) tell('event', event);
      }
    }
  };
  for (;;) {
    await follow().catch((error) => {
      // Of fetch: etcd is not there.
      if (!(error instanceof TypeError)) throw error;
    });
    await sleep(10);
  }
}

answerCalls({ record });
