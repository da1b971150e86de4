'use strict';

// Results as Markdown.

const { BEFORE, OURS } = require('./plan');
const { judge } = require('./results');

const METRICS = {
  rate: { title: 'per second', format: (value) => Math.round(value).toLocaleString('en') },
  jsCpu: { title: 'CPU of the JavaScript thread, µs', format: (value) => value.toFixed(1) },
  cpu: { title: 'CPU of the process, µs', format: (value) => value.toFixed(1) },
  serverCpu: { title: 'CPU of the server, µs', format: (value) => value.toFixed(1) },
  p50: { title: 'time p50, µs', format: (value) => Math.round(value).toLocaleString('en') },
  p99: { title: 'time p99, µs', format: (value) => Math.round(value).toLocaleString('en') },
  lost: { title: 'lost, %', format: (value) => value.toFixed(1) },
  resyncs: { title: 'resyncs', format: String },
  behind: { title: 'last event behind the last write, ms', format: (value) => value.toFixed(0) },
  stall: { title: 'longest stall, ms', format: (value) => value.toFixed(1) },
  ms: { title: 'ms', format: (value) => value.toFixed(1) },
  threads: { title: 'threads started', format: String },
  residentKb: { title: 'resident KB', format: (value) => Math.round(value).toLocaleString('en') },
  beforeKb: { title: 'before, KB', format: (value) => Math.round(value).toLocaleString('en') },
  overhead: { title: 'bytes over key and value', format: (value) => Math.round(value).toLocaleString('en') },
  connections: { title: 'connections', format: (value) => value.toLocaleString('en') },
  serverMb: { title: 'MB of the server', format: (value) => value.toFixed(1) },
  heapKb: { title: "V8's heap, KB", format: (value) => Math.round(value).toLocaleString('en') },
  growth: { title: 'growth in as many again', format: (value) => value.toFixed(2) },
  mb: { title: 'MB', format: (value) => value.toFixed(2) },
  packedMb: { title: 'MB packed', format: (value) => value.toFixed(2) },
};

function table(head, rows) {
  const lines = [head, head.map((_, column) => (column === 0 ? '---' : '---:')), ...rows];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** A workload's figures, each with what it is times ours. */
function workloadTable({ title, server, figures }) {
  const metrics = Object.keys(METRICS).filter((metric) => Object.values(figures).some((of) => metric in of));
  const ours = Object.entries(figures).find(([name]) => name.startsWith(OURS))[1];
  const cell = (metric, value, name) => {
    if (value === undefined) return '';
    const text = METRICS[metric].format(value);
    return name.startsWith(OURS) || !ours[metric] ? text : `${text} (${(value / ours[metric]).toFixed(2)}×)`;
  };
  const rows = Object.entries(figures).map(([name, of]) => [
    name,
    ...metrics.map((metric) => cell(metric, of[metric], name)),
  ]);
  const where = server === undefined ? '' : ` (${server})`;
  return `**${title}**${where}\n\n${table(['', ...metrics.map((metric) => METRICS[metric].title)], rows)}`;
}

function targetTable({ workloads }) {
  const bound = ({ atLeast, atMost }) => (atLeast === undefined ? `≤ ${short(atMost)}` : `≥ ${short(atLeast)}`);
  const rows = judge(workloads).map((target) => {
    const { workload, of, metric, over, value, met } = target;
    const whose = of === OURS ? '' : ` (${of.slice(OURS.length + 2)})`;
    const than = over === undefined ? '' : `, × ${over}`;
    const what = `${workloads[workload].title}${whose}: ${METRICS[metric].title}${than}`;
    return [what, bound(target), short(value), met ? 'yes' : 'no'];
  });
  return table(['node-etcd-native', 'target', 'measured', 'met'], rows);
}

/** Three digits are all that such a measurement has. */
const short = (value) => (value >= 100 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3))));

function environment({ date, machine, versions, rounds }) {
  const list = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `Measured ${date.slice(0, 10)} on ${machine}; ${rounds === 1 ? 'one round' : `medians of ${rounds} rounds`}.\n${list.join(', ')}.`;
}

/** Everything. */
function full(results) {
  const tables = Object.values(results.workloads).map(workloadTable);
  return [environment(results), targetTable(results), ...tables].join('\n\n');
}

/** Every figure of ours beside that of the checkout before, and what it is times that. */
function compared(results) {
  const rows = Object.values(results.workloads).flatMap(({ title, figures }) =>
    Object.entries(figures)
      .filter(([name]) => name.startsWith(OURS))
      .flatMap(([name, now]) =>
        comparedRows(`${title}${name.slice(OURS.length)}`, figures[name.replace(OURS, BEFORE)], now),
      ),
  );
  return `${environment(results)}\n\n${table(['', '', 'before', 'now', 'now / before'], rows)}`;
}

const comparedRows = (title, before, now) =>
  Object.keys(METRICS)
    .filter((metric) => metric in now)
    .map((metric) => {
      const { title: what, format } = METRICS[metric];
      const ratio = before[metric] ? (now[metric] / before[metric]).toFixed(3) : '';
      return [title, what, format(before[metric]), format(now[metric]), ratio];
    });

/** The three figures that the README shows; `of` names one of several contestants of a client. */
const HEADLINES = [
  { title: 'GETs per second, 64 in flight', workload: 'get64', metric: 'rate' },
  { title: 'CPU of the JavaScript thread for one of them, µs', workload: 'get64', metric: 'jsCpu' },
  { title: 'events that a watcher loses while 8 writers write, %', workload: 'lossless', metric: 'lost', of: '8' },
];

/** What the README shows. */
function brief(results) {
  const clients = [OURS, 'node-etcd', 'undici'];
  const rows = HEADLINES.filter(({ workload }) => workload in results.workloads).map((headline) => {
    const { title, workload, metric, of } = headline;
    const { figures } = results.workloads[workload];
    const values = clients.map((client) => figures[of ? `${client}, ${of}` : client]?.[metric]);
    return [title, ...values.map((value) => (value === undefined ? '–' : METRICS[metric].format(value)))];
  });
  return `${table(['', ...clients], rows)}\n\n${environment(results)}`;
}

/** Replaces what stands between the markers. */
function between(text, content) {
  const [start, end] = ['<!-- bench:start -->', '<!-- bench:end -->'];
  const [before, rest] = text.split(start);
  const after = rest?.split(end)[1];
  if (after === undefined) throw new Error(`no ${start} … ${end} to put the results into`);
  return `${before}${start}\n\n${content}\n\n${end}${after}`;
}

module.exports = { between, brief, compared, full };
