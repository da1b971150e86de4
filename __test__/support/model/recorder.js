'use strict';

// Reads all that happens in an etcd, directly, poll by poll, and tells it as { events, position }: a process.
//   node recorder.js <host>
// An answer out of the history holds the first event there is at or after the index; one that was waited for may come
// after some of hidden keys. Those are asked for again, so that every event but refreshes, which are none, is told.

const { setTimeout: sleep } = require('node:timers/promises');
const { RawEtcd } = require('../raw-etcd');
const { answerCalls, tell } = require('../remote-process');

const etcd = new RawEtcd(process.argv[2]);

/** The first event at or after the index. Asks until etcd answers. */
async function poll(waitIndex) {
  for (;;) {
    const answer = await etcd
      .ask('GET', '/', { query: { wait: true, recursive: true, waitIndex } })
      .catch(() => undefined);
    if (answer?.body?.node) return answer;
    if (answer?.body?.errorCode === 401) throw new Error(`The recorder fell behind: ${JSON.stringify(answer.body)}`);
    await sleep(10);
  }
}

async function record(from) {
  for (let next = from; ; ) {
    const { index: registered, body } = await poll(next);
    if (registered < next - 1) throw new Error(`etcd was at ${next - 1}, and now is at ${registered}`);
    const index = body.node.modifiedIndex;
    if (index > next && registered < index) continue;
    next = index + 1;
    tell('event', body);
  }
}

answerCalls({ record });
