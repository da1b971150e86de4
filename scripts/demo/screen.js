'use strict';

// How the demo looks: in colours on a terminal that has them, as plain text elsewhere.

/** What turns a style on, and off again. */
const STYLES = { bold: [1, 22], dim: [2, 22], red: [31, 39], green: [32, 39], cyan: [36, 39] };

/** Node knows about pipes, NO_COLOR and terminals without colours. */
const hasColors = process.stdout.hasColors?.() ?? false;

function styled(style, text) {
  const [on, off] = STYLES[style];
  return hasColors ? `\u001b[${on}m${text}\u001b[${off}m` : text;
}

/** So wide is what is called, before what came of it. */
const CALL_WIDTH = 47;

const print = (text = '') => console.log(text);

/** The head of a step. */
function title(number, text) {
  print(`\n${styled('dim', `${number}.`.padEnd(3))} ${styled('bold', text)}`);
}

/** A call, and what came of it. */
function show(call, result, style = 'green') {
  const text = typeof result === 'string' ? result : JSON.stringify(result);
  print(`    ${styled('cyan', call.padEnd(CALL_WIDTH))} ${styled(style, text)}`);
}

/** A call that is refused, as it should be. */
const showError = (call, text) => show(call, text, 'red');

/** A word about what is seen. */
const note = (text) => print(`    ${styled('dim', text)}`);

module.exports = { note, print, show, showError, styled, title };
