'use strict';

const { inspect } = require('node:util');

/** What of an error is told: its beginning, as a whole comparison may be long. */
const LINES = 60;

const indented = (text) =>
  text
    .split('\n')
    .slice(0, LINES)
    .map((line) => `    ${line}`)
    .join('\n');

function told({ details }) {
  const { error } = details;
  const reason = error.cause ?? error;
  return indented(reason.stack ?? (typeof reason === 'string' ? reason : inspect(reason)));
}

/**
 * A reporter for `node --test`: only the tests that failed, by the names that lead to them, each with its error. In the
 * output of a long run they are hard to find, and gone where only the end of it is kept.
 */
module.exports = async function* failedTests(events) {
  const names = [];
  for await (const { type, data } of events) {
    if (type !== 'test:start' && type !== 'test:fail') continue;
    names.length = data.nesting;
    names[data.nesting] = data.name;
    if (type !== 'test:fail' || data.details.error.failureType === 'subtestsFailed') continue;
    const isSettled = data.todo !== undefined || data.skip !== undefined;
    if (!isSettled) yield `  ${names.join(' › ')}\n${told(data)}\n`;
  }
};
