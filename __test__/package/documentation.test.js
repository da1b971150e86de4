'use strict';

// The documents: links lead somewhere, the API is all there, and programs run as they are written, on a store in memory
// and on an etcd's v2 and v3.

const assert = require('node:assert/strict');
const { EventEmitter } = require('node:events');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, describe, test } = require('node:test');
const ts = require('@tsd/typescript');
const Etcd = require('../..');
const { startEtcd } = require('../../scripts/etcd');
const { anchors, codeBlocks, documents, links, target } = require('../../scripts/markdown');
const { filesIn, textOf } = require('../../scripts/source-files');
const { runScript } = require('../support/node-script');

const ROOT = path.join(__dirname, '..', '..');
const SUPPORT = path.join(ROOT, '__test__', 'support').replaceAll('\\', '/');
const isThere = (file) => fs.existsSync(path.join(ROOT, file));

describe('no link dangles', () => {
  for (const file of documents()) {
    test(`in ${file}`, () => {
      const dangling = links(file).filter((href) => {
        const to = target(file, href);
        if (!to) return false;
        return !isThere(to.file) || (to.anchor && !anchors(to.file).includes(to.anchor));
      });
      assert.deepEqual(dangling, []);
    });
  }
});

test('the README is short enough to be read', () => {
  assert.ok(textOf('README.md').trimEnd().split('\n').length <= 200);
});

/** Every member of the classes and interfaces in the types, as [owner, name], but for what JavaScript and Node bring. */
function members() {
  const brought = new Set([...Object.getOwnPropertyNames(EventEmitter.prototype), 'finally']);
  const source = ts.createSourceFile('index.d.ts', textOf('index.d.ts'), ts.ScriptTarget.ES2022);
  const found = [];
  const visit = (node) => {
    if (ts.isClassDeclaration(node) || ts.isInterfaceDeclaration(node)) {
      const names = node.members.flatMap(({ name }) => (name && !ts.isComputedPropertyName(name) ? name.text : []));
      found.push(...names.filter((name) => !brought.has(name)).map((name) => [node.name.text, name]));
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

test('the pages of the API name every method, option, event and field of the types', () => {
  const pages = documents().filter((file) => /^docs\/(api\b|errors-and-retries\.md)/.test(file));
  const words = new Set(pages.flatMap((file) => textOf(file).match(/\w+(?:[:-]\w+)*/g)));
  const unnamed = members().filter(([, name]) => !words.has(name));
  assert.ok(words.size > 500 && members().length > 200);
  assert.deepEqual(unnamed, []);
});

/** The host that stands for the reader's own etcd. */
const OWN_ETCD = '127.0.0.1:2379';
const STORE = 'memory:';

const EXAMPLES = filesIn('examples', /\.[cm]?js$/);

/** The programs of a document, each with a title, and the name of its file if it begins with that in a comment. */
function programs(document) {
  return codeBlocks(document, ['js', 'ts', 'mjs', 'cjs', 'javascript', 'typescript']).map((block) => {
    const name = /^\/\/ ([\w./-]+\.[cm]?[jt]s)\b/.exec(block.code)?.[1];
    const title = [block.heading, block.nth > 1 && `(${block.nth})`].filter(Boolean).join(' ');
    return { ...block, name, title };
  });
}

/** What a program says that it prints, in comments: lines, but for those that are only like it. */
function announced(code) {
  const comments = [...code.matchAll(/console\.log\(.*\/\/ (.+)$/gm)].map(([, said]) => said);
  return comments.filter((said) => !said.startsWith('such as '));
}

/** Where a document's programs are written to, and where they find packages as in a project that has installed them. */
class Project {
  constructor() {
    this.folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'node-etcd-native-documents-')));
    const packages = path.join(this.folder, 'node_modules');
    fs.mkdirSync(packages);
    for (const [name, place] of [
      ['node-etcd-native', ROOT],
      ['node-etcd', ROOT],
      ['bluebird', path.join(ROOT, 'node_modules', 'bluebird')],
    ]) {
      fs.symlinkSync(place, path.join(packages, name), 'junction');
    }
  }

  /** Writes a program to a file, whose path is returned; TypeScript is checked, and compiled. */
  write({ lang, code, name }) {
    const isModule = lang === 'ts' || /^(import|export) /m.test(code);
    const file = path.join(this.folder, name ?? `program.${isModule ? 'm' : 'c'}${lang}`);
    // The tests' own guide shows a test, which has its tools beside it.
    fs.writeFileSync(file, code.replaceAll("'../support/", `'${SUPPORT}/`));
    return lang === 'ts' ? this.#compile(file) : file;
  }

  #compile(file) {
    const program = ts.createProgram([file], {
      module: ts.ModuleKind.NodeNext,
      target: ts.ScriptTarget.ES2022,
      lib: ['lib.es2022.d.ts'],
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      types: ['node'],
      typeRoots: [path.join(ROOT, 'node_modules', '@types')],
    });
    const complaints = ts.getPreEmitDiagnostics(program);
    assert.equal(ts.formatDiagnostics(complaints, FORMAT), '');
    program.emit();
    return file.replace(/ts$/, 'js');
  }

  /** Runs a program, which must end well and print what it says. */
  async run(program, api) {
    const env = { NODE_ETCD_API: api };
    const { code, stdout, stderr, timedOut } = await runScript(this.write(program), { env });
    assert.equal(code, 0, `${timedOut ? 'did not end' : 'failed'}:\n${program.code}\n${stdout}\n${stderr}`);
    const lines = stdout.split('\n');
    for (const said of announced(program.code)) {
      assert.ok(lines.includes(said), `does not print ${said}:\n${program.code}\nprinted\n${stdout}`);
    }
  }

  remove() {
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

const FORMAT = { getCanonicalFileName: (name) => name, getCurrentDirectory: () => ROOT, getNewLine: () => '\n' };

let server;
before(async () => {
  server = await startEtcd();
});
after(() => server?.stop());

/** Takes away what a program has left behind. */
async function clear(api) {
  const etcd = new Etcd(server.host, { api });
  const { node } = await etcd.get('/');
  for (const { key } of node.nodes ?? []) await etcd.del(key, { recursive: true });
}

/** The tests of a file that a program is, or of which it is a part. */
function testsOfFile(project, program, others) {
  const { code, name, title } = program;
  const example = EXAMPLES.find((file) => file.endsWith(`/${name}`));
  if (example) {
    const part = code.slice(code.indexOf('\n') + 1);
    test(`${title}: it is a part of ${example}`, () => assert.ok(textOf(example).includes(part), part));
  } else {
    test(`${title}: ${name} is used by another program`, () => {
      assert.ok(others.some((other) => other !== program && other.code.includes(name)));
      project.write(program);
    });
  }
}

/** The tests of a program, one for each store that it is for. */
function testsOf(project, program) {
  const { code, title } = program;
  const onEtcd = async (place, api = 'v2') => {
    await clear(api);
    await project.run({ ...program, code: code.replaceAll(place, server.host) }, api);
  };
  if (code.includes(OWN_ETCD)) {
    test(`${title}, on an etcd`, () => onEtcd(OWN_ETCD));
    return;
  }
  test(title, () => project.run(program));
  if (code.includes(`'${STORE}'`) && !code.includes('Etcd.memory(')) {
    test(`${title}, on an etcd by changing one string`, () => onEtcd(STORE));
    test(`${title}, on an etcd's v3 by NODE_ETCD_API=v3 too`, () => onEtcd(STORE, 'v3'));
  }
}

for (const document of documents()) {
  const all = programs(document);
  if (all.length === 0) continue;
  describe(`the programs of ${document} run as they are written`, () => {
    const project = new Project();
    after(() => project.remove());
    for (const program of all) (program.name ? testsOfFile : testsOf)(project, program, all);
  });
}
