// Parse a PowerShell script and print every place that is no PowerShell.
//
//     node check.mjs FOLDER_OF_NODE_MODULES FILE
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const [folder, file] = process.argv.slice(2);
const require = createRequire(path.join(path.resolve(folder), "node_modules", "_"));
const { Language, Parser } = require("web-tree-sitter");

await Parser.init();
const parser = new Parser();
parser.setLanguage(await Language.load(require.resolve("tree-sitter-powershell/tree-sitter-powershell.wasm")));

const tree = parser.parse(readFileSync(file, "utf8"));
const faults = [];
const visit = (node) => {
  if (node.isError || node.isMissing) {
    const { row, column } = node.startPosition;
    const what = node.isMissing ? `${node.type} is missing` : JSON.stringify(node.text.slice(0, 60));
    faults.push(`${file}:${row + 1}:${column + 1}: ${what}`);
  }
  node.children.filter((child) => child.hasError || child.isMissing).forEach(visit);
};
if (tree.rootNode.hasError) visit(tree.rootNode);
for (const fault of faults) console.log(fault);
process.exit(faults.length ? 1 : 0);
