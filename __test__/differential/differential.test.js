'use strict';

// The cases of this folder, each run through node-etcd 7.0.0 and through this package: what comes back and
// what goes over the wire must be the same, or differ as the case says, by a difference that docs/differences.md lists.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, describe, test } = require('node:test');
const { tableOfDifferences } = require('../../scripts/differences');
const { readPart } = require('../../scripts/written-parts');
const { evenOut, startStages } = require('./stages');
const differences = require('./differences');

const CASES = path.join(__dirname, 'cases');
const files = fs.readdirSync(CASES).map((file) => ({ file, ...require(path.join(CASES, file)) }));

/** A request as one line: what a case that differs says about the wire. */
const lineOf = ({ server, method, url, body }) =>
  [server === 'a' ? '' : `${server}: `, method, ' ', url, body ? ` ${body}` : ''].join('');

/** What a case can expect of an outcome: all of it, or what matters about it. */
function aspectsOf({ result, wire, sent, connections }) {
  return {
    result,
    connections,
    wire: wire.map(lineOf),
    sent: sent.map(lineOf),
    methods: wire.map(({ method }) => method),
    thrown: (result?.thrown ?? result?.constructor)?.code,
    codes: result?.arguments?.[0]?.errors?.map(({ httperror }) => httperror?.code),
  };
}

function checkExpected(expected, outcome, who) {
  const aspects = aspectsOf(outcome);
  for (const name of Object.keys(expected ?? {})) assert.deepEqual(aspects[name], expected[name], `${who}: ${name}`);
}

function compare(testCase, theirs, ours) {
  const { difference, expected, theirs: expectedOfThem, compares = ['result', 'wire'] } = testCase;
  const visible = (outcome) => Object.fromEntries(compares.map((name) => [name, outcome[name]]));
  checkExpected(expected, ours, 'here');
  if (difference === undefined) {
    assert.deepEqual(visible(ours), visible(theirs));
  } else {
    checkExpected(expectedOfThem, theirs, 'node-etcd');
    assert.notDeepEqual(visible(ours), visible(theirs), `no difference "${difference}": both do the same`);
  }
}

for (const { file, title, needs, cases } of files) {
  describe(`like node-etcd: ${title}`, () => {
    let theater;
    let stages;

    before(async () => {
      theater = await startStages(['node-etcd', '../..'], needs);
      stages = theater.stages;
    });
    after(() => theater?.stop());

    for (const testCase of cases) {
      const { name, difference, skip } = testCase;
      test(difference ? `${name} (differs: ${difference})` : name, { skip }, async () => {
        if (testCase.etcd) await evenOut(stages);
        const [theirs, ours] = await Promise.all(stages.map((stage) => stage.run(file, testCase)));
        compare(testCase, theirs, ours);
      });
    }
  });
}

describe('the differences to node-etcd', () => {
  const cases = files.flatMap(({ cases: list }) => list);
  const ids = differences.map(({ id }) => id);

  test('each has a case that shows it, and each case that differs names one', () => {
    assert.deepEqual(new Set(cases.flatMap(({ difference }) => difference ?? [])), new Set(ids));
  });

  test('have different names, as have the cases of a file', () => {
    assert.equal(new Set(ids).size, ids.length);
    for (const { file, cases: list } of files) {
      const names = list.map(({ name }) => name);
      assert.deepEqual(
        names.filter((name, at) => names.indexOf(name) !== at),
        [],
        file,
      );
    }
  });

  test('are the rows of the table in docs/differences.md (node scripts/differences.js writes it)', () => {
    assert.equal(readPart('differences'), tableOfDifferences());
  });
});
