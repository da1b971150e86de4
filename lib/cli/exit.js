'use strict';

/** What the command's exit status says. */
const EXIT = {
  ok: 0,
  /** `diff` found something. */
  different: 1,
  /** The arguments are wrong. */
  usage: 2,
  /** An etcd refused, or could not be reached. */
  failed: 3,
  /** `copy --follow` cannot go on: changes are lost, or others write to the target. */
  diverged: 4,
  /** What a shell says of a program that was interrupted: 128 and the signal's number. */
  interrupted: 130,
  terminated: 143,
};

/** Ends the command with a message and a status. */
class Exit extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

const usage = (message) => new Exit(EXIT.usage, message);

/** What a request failed of, at the last host that was asked. */
function reasonOf(error) {
  const last = error.errors?.at(-1);
  const cause = error.error?.cause ? ` (${error.error.cause})` : '';
  if (last === undefined) return `${error.message}${cause}`;
  return `${last.server}: ${last.httperror?.message ?? last.httpbody ?? error.message}`;
}

module.exports = { EXIT, Exit, reasonOf, usage };
