// Builds the editor's bundle: `npm ci && npm run build`. An argument names another output folder.
// Beside the bundle stand the licences of every package in it.
import { build } from "esbuild";
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(fileURLToPath(import.meta.url));
const output = process.argv[2] ?? join(root, "built");

const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: ["source/code_editor.js"],
  outfile: join(output, "code_editor.js"),
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
  legalComments: "none",
  metafile: true,
});

// Returns the package folders, such as node_modules/@codemirror/view, of the bundle's files.
function listPackages(inputs) {
  const folders = inputs.map((path) => path.match(/^node_modules\/(@[^/]+\/)?[^/]+/)?.[0]);
  return [...new Set(folders.filter(Boolean))].sort();
}

function formatLicense(folder) {
  const description = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf-8"));
  const name = readdirSync(join(root, folder)).find((file) => /^licen[cs]e/i.test(file));
  const text = name ? readFileSync(join(root, folder, name), "utf-8").trim() : "";
  return `${description.name} ${description.version} (${description.license})\n\n${text}\n`;
}

if (!existsSync(output)) mkdirSync(output);
const licenses = listPackages(Object.keys(metafile.inputs)).map(formatLicense);
writeFileSync(join(output, "LICENSES.txt"), licenses.join(`\n${"-".repeat(72)}\n\n`));
