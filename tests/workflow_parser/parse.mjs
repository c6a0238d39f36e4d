// Prints what GitHub's own parser holds against the workflows named on the command line.
import { readFileSync } from "node:fs";
import { register } from "node:module";

register("./json_loader.mjs", import.meta.url);
const { NoOperationTraceWriter, convertWorkflowTemplate, parseWorkflow } = await import(
  "@actions/workflow-parser"
);

let found = 0;
for (const name of process.argv.slice(2)) {
  const file = { name, content: readFileSync(name, "utf8") };
  const { context, value } = parseWorkflow(file, new NoOperationTraceWriter());
  if (value) await convertWorkflowTemplate(context, value);
  for (const error of context.errors.getErrors()) {
    console.log(`${name}: ${error.rawMessage ?? error.message}`);
    found += 1;
  }
}
process.exit(found ? 1 : 0);
