'use strict';

const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { connect, connectionOptions } = require('./connection');
const { EXIT, Exit, usage } = require('./exit');
const { keyOf } = require('./keys');
const { literal } = require('./literal-etcd');
const { OUTPUT, RECURSIVE } = require('./requests');

const WATCH = {
  arguments: 'KEY',
  summary: 'print the next change of a key; with --forever each change, until a signal comes',
  help: `
With --exec, each change runs a command of the shell, which finds it in ETCD_WATCH_ACTION, ETCD_WATCH_KEY,
ETCD_WATCH_VALUE and ETCD_WATCH_MODIFIED_INDEX. One command runs at a time, in the order of the changes.`,
  options: {
    ...connectionOptions(),
    ...OUTPUT,
    ...RECURSIVE,
    forever: { short: 'f', help: 'go on after the first change' },
    'after-index': { value: 'INDEX', help: 'changes after this index, those of the past too' },
    exec: { value: 'COMMAND', help: 'run a command for each change; goes on, as --forever does' },
  },
  run: watch,
};

async function watch({ values, positionals, print, signal }) {
  const key = keyOf(positionals);
  const index = indexOf(values['after-index']);
  const etcd = await connect(values);
  const watcher = etcd.watcher(literal(key), index, { recursive: values.recursive === true, signal });
  const isForever = values.forever || values.exec !== undefined;
  try {
    for await (const event of watcher) {
      // Of directories etcdctl says nothing.
      if (event.node.dir && values.output !== 'json') continue;
      if (values.exec === undefined) show(event, print, values);
      else await run(values.exec, event);
      if (!isForever) break;
    }
  } catch (error) {
    throw new Exit(EXIT.failed, `changes of ${key} cannot be watched: ${error.message}`);
  }
  return EXIT.ok;
}

function show(event, print, { output, recursive }) {
  const { action, node, prevNode } = event;
  if (output === 'json') {
    print(JSON.stringify(event));
    return;
  }
  if (recursive) print(`[${action}] ${node.key}`);
  print(action === 'delete' ? `PrevNode.Value: ${prevNode?.value ?? ''}` : (node.value ?? ''));
}

async function run(command, { action, node }) {
  const env = {
    ...process.env,
    ETCD_WATCH_ACTION: action,
    ETCD_WATCH_KEY: node.key,
    ETCD_WATCH_VALUE: node.value ?? '',
    ETCD_WATCH_MODIFIED_INDEX: String(node.modifiedIndex),
  };
  await once(spawn(command, { env, shell: true, stdio: 'inherit' }), 'exit');
}

function indexOf(text) {
  if (text === undefined) return null;
  if (!/^\d+$/.test(text)) throw usage(`--after-index ${text}: expected a whole number`);
  return Number(text) + 1;
}

module.exports = { WATCH };
