'use strict';

// Which file of the project uses which, read from the sources: { from, line, to }, with names from the root.

const path = require('node:path');
const { filesIn, lineAt, textOf } = require('./source-files');

/** The same text with blanks for what matches: places and lines stay. */
const blanked = (text, pattern) => text.replace(pattern, (match) => match.replace(/[^\n]/g, ' '));

/** Where the block ends whose `{` is the first one from here. */
function endOfBlock(code, start) {
  let depth = 0;
  for (let at = start; at < code.length; at++) {
    if (code[at] === '{') depth++;
    else if (code[at] === '}' && --depth === 0) return at + 1;
  }
  return code.length;
}

const RUST_COMMENTS_AND_TEXTS =
  /\/\/.*|\/\*[\s\S]*?\*\/|\br(#*)"[\s\S]*?"\1|"(?:\\[\s\S]|[^"\\])*"|'(?:\\(?:u\{\w+\}|x\w\w|.)|[^\\'])'/g;

/** The code of a Rust file. In a module inside the file, as the tests are, `super` is the file itself. */
function rustCode(file) {
  let code = blanked(textOf(file), RUST_COMMENTS_AND_TEXTS);
  for (const { index } of code.matchAll(/\bmod\s+\w+\s*\{/g)) {
    const end = endOfBlock(code, index);
    code = code.slice(0, index) + code.slice(index, end).replace(/(?<!::\s*)\bsuper\b/g, 'self ') + code.slice(end);
  }
  return code;
}

/** The branches between the outermost commas of what stands in braces. */
function branches(inner) {
  let depth = 0;
  const found = [''];
  for (const sign of inner) {
    if (sign === '{') depth++;
    else if (sign === '}') depth--;
    if (sign === ',' && depth === 0) found.push('');
    else found[found.length - 1] += sign;
  }
  return found.map((branch) => branch.trim()).filter(Boolean);
}

/** The paths of a use declaration: `a::{b, c::{self, d}}` has a::b, a::c::self and a::c::d. */
function pathsIn(tree) {
  const [, head, inner] = /^([^{]*)\{([\s\S]*)\}\s*$/.exec(tree) ?? [];
  if (inner === undefined) return [tree];
  return branches(inner).flatMap((branch) => pathsIn(branch).map((rest) => head + rest));
}

/** The names from the crate's root that a path in a module means, or undefined if it leads out of the crate. */
function namesOf(written, module, children) {
  const names = written
    .replace(/\sas\s.*/, '')
    .replace(/\s/g, '')
    .split('::');
  if (names[0] === 'crate') return names.slice(1);
  const isRelative = ['self', 'super'].includes(names[0]) || children.includes(names[0]);
  const up = names.filter((name) => name === 'super').length;
  const own = module.slice(0, module.length - up);
  return isRelative ? [...own, ...names.filter((name) => !['self', 'super'].includes(name))] : undefined;
}

/** `src/wire/tls/mod.rs` is the module wire::tls, `src/lib.rs` the root. */
function moduleOf(file, root) {
  const names = file.slice(root.length + 1, -'.rs'.length).split('/');
  return ['mod', 'lib'].includes(names.at(-1)) ? names.slice(0, -1) : names;
}

/** The paths in a Rust file, in use declarations and elsewhere, each with its place. */
function writtenPaths(code) {
  const USE = /\buse\s+([^;]+);/g;
  const declared = [...code.matchAll(USE)].flatMap(({ 1: tree, index }) =>
    pathsIn(tree).map((written) => ({ written, index })),
  );
  const elsewhere = blanked(code, USE).matchAll(/(?<!::\s*)\b[a-z_]\w*(?:\s*::\s*\w+)+/g);
  return [...declared, ...Array.from(elsewhere, ({ 0: written, index }) => ({ written, index }))];
}

/** Uses between the files of a crate. That a module is declared is no use of it. */
function rustUses(root) {
  const files = filesIn(root, /\.rs$/);
  const byModule = new Map(files.map((file) => [moduleOf(file, root).join('::'), file]));
  /** The file of the longest beginning that is a module. */
  const fileOf = (names) => byModule.get(names.join('::')) ?? fileOf(names.slice(0, -1));
  return files.flatMap((from) => {
    const code = rustCode(from);
    const children = Array.from(code.matchAll(/\bmod\s+(\w+)\s*;/g), ([, name]) => name);
    return writtenPaths(code).flatMap(({ written, index }) => {
      const names = namesOf(written, moduleOf(from, root), children);
      return names ? [{ from, line: lineAt(code, index), to: fileOf(names) }] : [];
    });
  });
}

const JAVASCRIPT_COMMENTS = /^[ \t]*(?:\/\/|\/?\*).*/gm;
const REQUIRED = /(?:\b(?:require|import)\(\s*|\bfrom\s+|\bimport\s+)(['"])(\.[^'"]*)\1/g;

/** Uses between the JavaScript files of these places: what they require or import by a relative name. */
function javaScriptUses(places) {
  const files = new Set(places.flatMap((place) => filesIn(place, /\.[cm]?js$/)));
  const fileOf = (name) => [name, `${name}.js`, path.posix.join(name, 'index.js')].find((file) => files.has(file));
  return [...files].flatMap((from) => {
    const code = blanked(textOf(from), JAVASCRIPT_COMMENTS);
    return [...code.matchAll(REQUIRED)].flatMap(({ 2: name, index }) => {
      const to = fileOf(path.posix.join(path.posix.dirname(from), name));
      return to ? [{ from, line: lineAt(code, index), to }] : [];
    });
  });
}

module.exports = { javaScriptUses, rustUses };
