'use strict';

// The documents of the repository, and what is in them.

const fs = require('node:fs');
const path = require('node:path');
const { marked } = require('marked');
const { filesIn, textOf } = require('./source-files');
const { ROOT } = require('./setup');

const FOLDERS = ['.github', '__test__', 'docs', 'examples', 'npm'];

/** All Markdown files, by their names from the root. */
function documents() {
  const inRoot = fs.readdirSync(ROOT).filter((name) => name.endsWith('.md'));
  return [...inRoot, ...FOLDERS.flatMap((folder) => filesIn(folder, /\.md$/))];
}

function tokensOf(text, types) {
  const found = [];
  marked.walkTokens(marked.lexer(text), (token) => {
    if (types.includes(token.type)) found.push(token);
  });
  return found;
}

/** A heading's words without their marks. */
const plain = (tokens) => tokens.map((token) => (token.tokens ? plain(token.tokens) : unescaped(token.text))).join('');
const NAMES = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };
const unescaped = (text) => text.replace(/&(amp|lt|gt|quot|#39);/g, (_, name) => NAMES[name]);

/** The code blocks of a document in some languages: { lang, code, heading, nth }, counted below each heading. */
function codeBlocks(file, languages) {
  let heading = '';
  let nth = 0;
  return tokensOf(textOf(file), ['heading', 'code']).flatMap((token) => {
    if (token.type === 'heading') {
      heading = plain(token.tokens);
      nth = 0;
      return [];
    }
    const { lang = '', text } = token;
    if (!languages.includes(lang)) return [];
    nth += 1;
    return [{ lang, code: `${text}\n`, heading, nth }];
  });
}

/** Where the links and pictures of a document lead. */
const links = (file) => tokensOf(textOf(file), ['link', 'image']).map(({ href }) => href);

/** The anchors of a document's headings, as GitHub makes them. */
function anchors(file) {
  const seen = new Map();
  return tokensOf(textOf(file), ['heading']).map(({ tokens }) => {
    const slug = plain(tokens)
      .toLowerCase()
      .replace(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
      .replaceAll(' ', '-');
    const count = seen.get(slug) ?? 0;
    seen.set(slug, count + 1);
    return count === 0 ? slug : `${slug}-${count}`;
  });
}

/** What a link of a document leads to: { file, anchor }, or undefined if that is elsewhere. */
function target(file, href) {
  if (/^[a-z][a-z\d+.-]*:/i.test(href)) return undefined;
  const [name, anchor] = href.split('#').map(decodeURIComponent);
  return { file: name ? path.posix.join(path.posix.dirname(file), name) : file, anchor };
}

module.exports = { anchors, codeBlocks, documents, links, target };
