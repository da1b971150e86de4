'use strict';

const readline = require('node:readline');
const { Writable } = require('node:stream');
const { EXIT, Exit, usage } = require('./exit');

/** How often progress is told where each telling is a line, and on a terminal, where it is one line made anew. */
const LINE_EVERY = 1000;
const REDRAW_EVERY = 100;
/** The columns of a terminal that does not know how many it has, and says 0. */
const WIDTH = 80;

/** Asks for a password, which is not shown. */
function askPassword(user) {
  if (!process.stdin.isTTY) throw usage(`no password for ${user}: set ETCDCTL_PASSWORD, or run in a terminal`);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  // From now on the terminal shows nothing of what is typed; only then it may be asked for.
  const lines = readline.createInterface({ input: process.stdin, output: silent, terminal: true });
  process.stderr.write(`Password of ${user}: `);
  return new Promise((resolve, reject) => {
    lines.once('line', resolve);
    lines.once('SIGINT', () => reject(new Exit(EXIT.interrupted, 'interrupted')));
    lines.once('close', () => reject(usage('no password was given')));
  }).finally(() => {
    lines.close();
    process.stderr.write('\n');
  });
}

/** Tells again and again how far something is: one line on a terminal, a line a second elsewhere. */
class Progress {
  #stream;
  #describe;
  #timer;

  /** `describe()` gives the line. */
  constructor(describe, stream = process.stderr) {
    this.#describe = describe;
    this.#stream = stream;
    this.#timer = setInterval(() => this.#tell(), stream.isTTY ? REDRAW_EVERY : LINE_EVERY).unref();
  }

  /** Tells it a last time. */
  end() {
    clearInterval(this.#timer);
    this.#tell();
    if (this.#stream.isTTY) this.#stream.write('\n');
  }

  #tell() {
    const line = this.#describe();
    if (!this.#stream.isTTY) {
      this.#stream.write(`${line}\n`);
      return;
    }
    readline.cursorTo(this.#stream, 0);
    const columns = this.#stream.columns || WIDTH;
    this.#stream.write(line.slice(0, Math.max(columns - 1, 1)));
    readline.clearLine(this.#stream, 1);
  }
}

module.exports = { Progress, askPassword };
