'use strict';

const { once } = require('node:events');
const { parseArgs } = require('node:util');
const { version } = require('../../package.json');
const { COPY } = require('./copy');
const { DIFF } = require('./diff');
const { DUMP, LOAD } = require('./dump');
const { EXIT, Exit, reasonOf, usage } = require('./exit');
const { GET, LS, MK, MKDIR, RM, SET } = require('./requests');
const { WATCH } = require('./watch');

const NAME = 'node-etcd-native';
const COMMANDS = {
  copy: COPY,
  diff: DIFF,
  dump: DUMP,
  load: LOAD,
  get: GET,
  ls: LS,
  set: SET,
  mk: MK,
  mkdir: MKDIR,
  rm: RM,
  watch: WATCH,
};
const HELP = { help: { short: 'h', help: 'this text' } };
const FORMATS = ['simple', 'json'];

/** Runs the command that the arguments say, and ends the process with its status. */
async function main(args) {
  const status = await run(args).catch(report);
  // What was printed goes out before the process ends, also into a pipe; clients may have connections open.
  if (process.stdout.writableLength > 0) await once(process.stdout, 'drain');
  process.exit(status);
}

async function run([name, ...args]) {
  if (name === '--version' || name === '-v') return say(version);
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') return say(helpFor(args[0]));
  const command = commandNamed(name);
  const { values, positionals } = parse({ ...command.options, ...HELP }, args);
  if (values.help) return say(helpOf(name, command));
  if (values.output !== undefined && !FORMATS.includes(values.output)) {
    throw usage(`--output ${values.output}: expected ${FORMATS.join(' or ')}`);
  }
  return await command.run({ values, positionals, print, write, signal: interruptions() });
}

function commandNamed(name) {
  if (Object.hasOwn(COMMANDS, name)) return COMMANDS[name];
  throw usage(`there is no command ${name}: see ${NAME} --help`);
}

function parse(options, args) {
  const spec = Object.entries(options).map(([name, { value, short, multiple = false }]) => {
    const type = value === undefined ? 'boolean' : 'string';
    return [name, { type, multiple, ...(short && { short }) }];
  });
  try {
    return parseArgs({ args, options: Object.fromEntries(spec), allowPositionals: true });
  } catch (error) {
    throw usage(error.message);
  }
}

/** Aborts when the process is asked to end; asked a second time, it ends at once. */
function interruptions() {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => controller.abort(name));
  return controller.signal;
}

/** One line, and the status that it means. */
function report(error) {
  process.stderr.write(`${NAME}: ${reasonOf(error)}\n`);
  return error instanceof Exit ? error.status : EXIT.failed;
}

function print(line) {
  process.stdout.write(`${line}\n`);
}

/** Resolves when there is room for more. */
async function write(text) {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain');
}

function say(text) {
  print(text);
  return EXIT.ok;
}

function helpFor(name) {
  if (name !== undefined && name in COMMANDS) return helpOf(name, commandNamed(name));
  const width = Math.max(...Object.keys(COMMANDS).map((each) => each.length));
  const lines = Object.entries(COMMANDS).map(([each, { summary }]) => `  ${each.padEnd(width)}  ${summary}`);
  return `Usage: ${NAME} COMMAND [options] [arguments]

Commands:
${lines.join('\n')}

${NAME} COMMAND --help tells more.

Exit status: 0 done; 1 diff found something; 2 wrong arguments; 3 an etcd refused or could not be reached;
4 a copy cannot follow its source any more; 130 and 143 interrupted.`;
}

function helpOf(name, { arguments: words, summary, help = '', options }) {
  const rows = Object.entries({ ...options, ...HELP }).map(([option, { short, value, help: text, variable }]) => {
    const left = `${short ? `-${short}, ` : ''}--${option}${value ? ` ${value}` : ''}`;
    return [left, variable ? `${text} (${variable})` : text];
  });
  const width = Math.max(...rows.map(([left]) => left.length));
  const lines = rows.map(([left, text]) => `  ${left.padEnd(width)}  ${text}`);
  return `Usage: ${NAME} ${name} [options] ${words}\n\n${summary[0].toUpperCase()}${summary.slice(1)}.\n${help}\n\nOptions:\n${lines.join('\n')}`;
}

module.exports = { main };
