'use strict';

// Bars in SVG: requests a second, and what a request costs the JavaScript thread.

const { OURS } = require('./plan');

const WIDTH = 760;
const LABELS = 150;
const BAR = 22;
const PANELS = [
  { workload: 'get64', metric: 'rate', title: 'GET, 64 in flight: requests per second (more is better)' },
  { workload: 'get64', metric: 'jsCpu', title: 'the same: JavaScript thread, µs of CPU per request (less is better)' },
];

const escaped = (text) => text.replace(/[&<>]/g, (sign) => `&#${sign.charCodeAt(0)};`);
const text = (x, y, content, more = '') => `<text x="${x}" y="${y}" ${more}>${escaped(content)}</text>`;

function panel({ title, metric, figures }, top) {
  const bars = Object.entries(figures).filter(([, of]) => metric in of);
  const most = Math.max(...bars.map(([, of]) => of[metric]));
  const drawn = bars.flatMap(([name, of], i) => {
    const y = top + 34 + i * (BAR + 8);
    const length = ((WIDTH - LABELS - 90) * of[metric]) / most;
    const number = of[metric] < 1000 ? of[metric].toFixed(1) : Math.round(of[metric]).toLocaleString('en');
    const color = name === OURS ? '#d9480f' : '#868e96';
    return [
      text(LABELS - 8, y + 16, name.replace(`${OURS}, `, 'with '), 'text-anchor="end"'),
      `<rect x="${LABELS}" y="${y}" width="${length.toFixed(1)}" height="${BAR}" rx="2" fill="${color}"/>`,
      text(Number((LABELS + length + 6).toFixed(1)), y + 16, number),
    ];
  });
  return {
    svg: [text(10, top + 20, title, 'font-weight="bold"'), ...drawn],
    height: 34 + bars.length * (BAR + 8) + 12,
  };
}

/** The chart of a run's results. */
function chart({ workloads, date, machine }) {
  const parts = [];
  let height = 0;
  for (const { workload, metric, title } of PANELS) {
    if (!(workload in workloads)) continue;
    const drawn = panel({ title, metric, figures: workloads[workload].figures }, height);
    parts.push(...drawn.svg);
    height += drawn.height;
  }
  parts.push(text(10, height + 12, `${date.slice(0, 10)}, ${machine}, nginx with a canned reply on the same cores`));
  const size = `width="${WIDTH}" height="${height + 24}" viewBox="0 0 ${WIDTH} ${height + 24}"`;
  const title = '<title>Requests per second, and CPU of the JavaScript thread per request</title>';
  const paper = '<rect width="100%" height="100%" fill="#ffffff"/>';
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="sans-serif" font-size="13">\n${[title, paper, ...parts].join('\n')}\n</svg>\n`;
}

module.exports = { chart };
