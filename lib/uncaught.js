'use strict';

// Taken now: tools for tests replace it later.
const { nextTick } = process;

/** Does `work`, which calls what is not ours. What that throws is an uncaught exception, and no matter of the caller's. */
function apart(work) {
  try {
    work();
  } catch (error) {
    nextTick(() => {
      throw error;
    });
  }
}

module.exports = { apart };
