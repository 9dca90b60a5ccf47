// JSON as Node reads it. In: a JSON list of texts (base64 of UTF-8). Out: for each null where it is
// refused, else [value], numbers written as {"n": "…"} so that none is lost on the way.

const written = (value) => {
  if (typeof value === "number") return { n: Object.is(value, -0) ? "-0" : String(value) };
  if (Array.isArray(value)) return value.map(written);
  if (value !== null && typeof value === "object") return Object.entries(value).map(([k, v]) => [k, written(v)]);
  return value;
};

let told = "";
for await (const piece of process.stdin.setEncoding("utf8")) told += piece;
const answers = JSON.parse(told).map((text) => {
  try {
    return [written(JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.from(text, "base64"))))];
  } catch {
    return null;
  }
});
process.stdout.write(JSON.stringify(answers));
