// The parser imports its schema as bundlers do; Node asks for the type of such an import.
export function load(url, context, nextLoad) {
  const isJson = url.endsWith(".json");
  return nextLoad(url, isJson ? { ...context, importAttributes: { type: "json" } } : context);
}
