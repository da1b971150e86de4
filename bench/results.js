'use strict';

// From the rounds to figures, and from figures to targets met and missed.

const { median } = require('./measure');
const { OURS, TARGETS } = require('./plan');

/** The medians of a contestant's rounds. */
function medians(rounds) {
  const numbers = Object.keys(rounds[0]).filter((metric) => typeof rounds[0][metric] === 'number');
  return Object.fromEntries(numbers.map((metric) => [metric, median(rounds.map((round) => round[metric]))]));
}

/** The targets of which everything was measured. */
function judge(workloads) {
  const figure = (workload, contestant, metric) => workloads[workload]?.figures[contestant]?.[metric];
  return TARGETS.flatMap((target) => {
    const { workload, of = OURS, metric, over, atLeast, atMost } = target;
    const own = figure(workload, of, metric);
    const other = over === undefined ? 1 : figure(workload, over, metric);
    if (own === undefined || other === undefined) return [];
    const value = own / other;
    return [{ ...target, of, value, met: atLeast === undefined ? value <= atMost : value >= atLeast }];
  });
}

module.exports = { judge, medians };
