// A second implementation, written from docs/sealing.md, with nothing but Node.
//
//   node sealing.mjs verify sealing.json     check every known answer
//   node sealing.mjs seal < request.json     {"cases": [{identity, file, nonce?, plaintext}]}
//   node sealing.mjs open < request.json     {"cases": [{identity, file, sealed}]}
//   node sealing.mjs open-set FOLDER < identity.json
//
// An identity is {machine_id, username, build_secret}. Bytes are hex everywhere. `seal` and `open`
// answer {"results": [...]} in the order of the cases, a refused one as {"error": ...}. `open-set`
// prints the four payloads, or {"error": ...} and exits with 1.

import assert from "node:assert/strict";
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
} from "node:crypto";
import { closeSync, constants, fstatSync, openSync, readFileSync, readSync } from "node:fs";
import { join } from "node:path";

const SETTINGS = ".cco-orchestrator-settings";
const AGENTS = ".cco-agents-sealed";
const RULES = ".cco-rules-sealed";
const HOOKS = ".cco-hooks-sealed";
const MEMBERS = [AGENTS, RULES, HOOKS];
const SEALED = [SETTINGS, ...MEMBERS];

const NONCE_BYTES = 16;
const TAG_BYTES = 16;
const MIN_BYTES = NONCE_BYTES + TAG_BYTES;
const MAX_BYTES = 16 * 1024 * 1024;
const OPEN_TRIES = 20;

class Refused extends Error {
  constructor(kind, message) {
    super(message);
    this.kind = kind;
  }
}

// Keys

function lp(bytes) {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

function ikm(identity) {
  const parts = [
    Buffer.from(identity.machine_id, "utf8"),
    Buffer.from(identity.username, "utf8"),
    unhex(identity.build_secret),
  ];
  assert(parts.every((part) => part.length > 0), "no part of an identity is empty");
  return Buffer.concat(parts.map(lp));
}

function fileInfo(file) {
  return Buffer.from(`cco/seal/v1/${file.slice(1)}`, "utf8");
}

function fileKey(identity, file, nonce) {
  return Buffer.from(hkdfSync("sha256", ikm(identity), nonce, fileInfo(file), 32));
}

function manifestKey(identity, instance) {
  return Buffer.from(hkdfSync("sha256", ikm(identity), instance, "cco/manifest/v1", 32));
}

// One file

function associatedData(file) {
  return Buffer.concat([Buffer.from("cco-seal-v1"), Buffer.of(0), Buffer.from(file, "utf8")]);
}

function seal(plaintext, file, identity, nonce = randomBytes(NONCE_BYTES)) {
  const key = fileKey(identity, file, nonce);
  const cipher = createCipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(associatedData(file));
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return Buffer.concat([nonce, ciphertext, cipher.getAuthTag()]);
}

function decrypt(sealed, file, identity) {
  const nonce = sealed.subarray(0, NONCE_BYTES);
  const key = fileKey(identity, file, nonce);
  const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(associatedData(file));
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
  const start = decipher.update(sealed.subarray(NONCE_BYTES, sealed.length - TAG_BYTES));
  try {
    return Buffer.concat([start, decipher.final()]);
  } catch {
    return null;
  }
}

function open(sealed, file, identity) {
  if (sealed.length < MIN_BYTES) {
    throw new Refused("SealedFileTruncated", `${file} has ${sealed.length} bytes`);
  }
  const plaintext = decrypt(sealed, file, identity);
  if (plaintext !== null) return plaintext;
  for (const other of SEALED) {
    if (other !== file && decrypt(sealed, other, identity) !== null) {
      throw new Refused("SealedFileSwapped", `${file} is really ${other}`);
    }
  }
  throw new Refused("SealedFileForeign", `${file} does not open`);
}

// Payloads

const isString = (value) => typeof value === "string";
const isObject = (value) =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isPort = (value) => Number.isInteger(value) && value >= 1 && value <= 65535;
const isHex = (digits) => (value) => isString(value) && new RegExp(`^[0-9a-f]{${digits}}$`).test(value);

const ENTRY_FIELDS = { size: Number.isInteger, hmac_sha256: isHex(64) };
const AGENT_FIELDS = {
  name: isString,
  description: isString,
  model: isString,
  tools: Array.isArray,
  keywords: Array.isArray,
  brief: isString,
};
const FIELDS = {
  [SETTINGS]: {
    manifest: (value) =>
      isObject(value) && MEMBERS.every((member) => hasFields(value[member], ENTRY_FIELDS)),
    api_url: isString,
    port: isPort,
    pid: Number.isInteger,
    token: isString,
    version: isString,
    created_at: isString,
    roster: Array.isArray,
    policy: isObject,
  },
  [AGENTS]: {
    agents: (value) => Array.isArray(value) && value.every((agent) => hasFields(agent, AGENT_FIELDS)),
  },
  [RULES]: { rules: isString },
  [HOOKS]: {
    pre_compact: isString,
    post_compact: isString,
    agent_pre_compact: isString,
    agent_post_compact: isString,
  },
};

function hasFields(value, fields) {
  return (
    isObject(value) &&
    Object.entries(fields).every(([name, fits]) => Object.hasOwn(value, name) && fits(value[name]))
  );
}

function parse(plaintext, file) {
  let payload;
  try {
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }); // keeps a BOM
    payload = JSON.parse(decoder.decode(plaintext)); // which is then refused here
  } catch {
    throw new Refused("SealedPayloadInvalid", `${file} does not hold JSON`);
  }
  if (!hasFields(payload, { format: (value) => value === 1, instance: isHex(32) })) {
    throw new Refused("SealedPayloadInvalid", `${file} is of an unknown format or of no run`);
  }
  return payload;
}

function demandFields(payload, file) {
  if (!hasFields(payload, FIELDS[file])) {
    throw new Refused("SealedPayloadInvalid", `${file} lacks a field, or one is of another type`);
  }
  return payload;
}

// The set

function fileHmac(sealed, identity, instance) {
  return createHmac("sha256", manifestKey(identity, instance)).update(sealed).digest();
}

function openSettings(sealed, identity) {
  return demandFields(parse(open(sealed, SETTINGS, identity), SETTINGS), SETTINGS);
}

function openMember(sealed, file, identity, settings) {
  const entry = settings.manifest[file];
  const hmac = fileHmac(sealed, identity, unhex(settings.instance));
  if (!timingSafeEqual(hmac, unhex(entry.hmac_sha256))) {
    throw diagnosis(sealed, file, identity, settings, entry);
  }
  const payload = parse(open(sealed, file, identity), file);
  if (payload.instance !== settings.instance) {
    throw new Refused("SealedFileReplayed", `${file} is of another run`);
  }
  return demandFields(payload, file);
}

function diagnosis(sealed, file, identity, settings, entry) {
  let payload;
  try {
    payload = parse(open(sealed, file, identity), file);
  } catch (error) {
    if (!(error instanceof Refused) || error.kind !== "SealedFileForeign") return error;
    const kind = sealed.length < entry.size ? "SealedFileTruncated" : "SealedFileChanged";
    return new Refused(kind, `${file} is not what the settings vouch for`);
  }
  if (payload.instance !== settings.instance) {
    return new Refused("SealedFileReplayed", `${file} is of another run`);
  }
  return new Refused("SealedFileChanged", `${file} is not what the settings vouch for`);
}

// Files

function readPrivate(path) {
  for (let count = 0; count < OPEN_TRIES; count += 1) {
    const data = readOnce(path);
    if (data !== null) return data;
  }
  throw new Refused("SealedFileUnsafe", `${path} is being replaced again and again`);
}

function readOnce(path) {
  let fd;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const kind = error.code === "ENOENT" ? "SealedFileMissing" : "SealedFileUnsafe";
    throw new Refused(kind, `${path}: ${error.code}`);
  }
  try {
    const status = fstatSync(fd);
    if (status.nlink === 0) return null;
    const safe =
      status.isFile() &&
      status.uid === process.geteuid() &&
      (status.mode & 0o077) === 0 &&
      status.nlink === 1 &&
      status.size <= MAX_BYTES;
    if (!safe) throw new Refused("SealedFileUnsafe", `${path} has a wrong kind, owner, mode or size`);
    const data = Buffer.alloc(status.size + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < data.length; length += read) {
      read = readSync(fd, data, length, data.length - length, null);
    }
    if (length !== status.size) {
      throw new Refused("SealedFileTruncated", `${path} changed its size while it was read`);
    }
    return data.subarray(0, length);
  } finally {
    closeSync(fd);
  }
}

function openSet(folder, identity) {
  const settings = openSettings(readPrivate(join(folder, SETTINGS)), identity);
  const members = MEMBERS.map((file) => [
    file,
    openMember(readPrivate(join(folder, file)), file, identity, settings),
  ]);
  return { settings, members: Object.fromEntries(members) };
}

// The build secret

function parseBuildSecret(text) {
  const compact = text.replace(/\s/g, "");
  let secret;
  if (/^([0-9a-f]{2})*$/i.test(compact)) secret = Buffer.from(compact, "hex");
  else if (/^[A-Za-z0-9+/_-]+={0,2}$/.test(compact)) secret = Buffer.from(compact, "base64");
  else return null;
  return secret.length >= 32 && new Set(secret).size >= 8 ? secret : null;
}

// Known answers

function verify(document) {
  const { identities } = document;
  for (const [label, identity] of Object.entries(identities)) {
    equalHex(ikm(identity), identity.ikm, `${label}: ikm`);
  }
  let flippedBits = 0;
  for (const answer of document.files) {
    const label = `${answer.identity}, ${answer.file}, ${answer.nonce}`;
    const identity = identities[answer.identity];
    const nonce = unhex(answer.nonce);
    const plaintext = unhex(answer.plaintext.unit.repeat(answer.plaintext.times));
    const sealed = unhex(answer.sealed);
    assert.equal(fileInfo(answer.file).toString(), answer.info, `${label}: info`);
    equalHex(associatedData(answer.file), answer.aad, `${label}: AAD`);
    equalHex(fileKey(identity, answer.file, nonce), answer.key, `${label}: key`);
    equalHex(seal(plaintext, answer.file, identity, nonce), answer.sealed, `${label}: sealed`);
    equalHex(open(sealed, answer.file, identity), plaintext.toString("hex"), `${label}: opened`);
    flippedBits += flipBits(sealed, answer.file, identity, label);
  }
  for (const answer of document.hmacs) {
    const label = `${answer.identity}, ${answer.instance}`;
    const [identity, instance] = [identities[answer.identity], unhex(answer.instance)];
    equalHex(manifestKey(identity, instance), answer.key, `${label}: manifest key`);
    equalHex(fileHmac(unhex(answer.sealed), identity, instance), answer.hmac, `${label}: HMAC`);
  }
  verifySet(document.set, identities);
  for (const answer of document.refusals) {
    const sealed = (file) => unhex(answer.replace[file] ?? document.set.files[file].sealed);
    const identity = identities[answer.identity ?? document.set.identity];
    let kind = "accepted";
    try {
      const settings = openSettings(sealed(SETTINGS), identity);
      if (answer.open !== SETTINGS) openMember(sealed(answer.open), answer.open, identity, settings);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      kind = error.kind;
    }
    assert.equal(kind, answer.error, `refusal: ${answer.what}`);
  }
  for (const answer of document.build_secrets) {
    const secret = parseBuildSecret(answer.text);
    assert.equal(secret === null ? null : secret.toString("hex"), answer.secret, answer.what);
  }
  return {
    identities: Object.keys(identities).length,
    files: document.files.length,
    flipped_bits: flippedBits,
    hmacs: document.hmacs.length,
    refusals: document.refusals.length,
    build_secrets: document.build_secrets.length,
  };
}

// Every bit of a small file; of a large one the first and last, and some between.
function flipBits(sealed, file, identity, label) {
  const bits = sealed.length * 8;
  const step = bits <= 1024 ? 1 : Math.floor(bits / 64) - 1;
  let count = 0;
  for (let bit = 0; bit < bits; bit += step, count += 1) {
    const changed = Buffer.from(sealed);
    changed[bit >> 3] ^= 0x80 >> (bit & 7);
    assert.equal(decrypt(changed, file, identity), null, `${label}: bit ${bit} flipped`);
  }
  const changed = Buffer.from(sealed);
  changed[changed.length - 1] ^= 1;
  assert.equal(decrypt(changed, file, identity), null, `${label}: last bit flipped`);
  return count + 1;
}

function verifySet(set, identities) {
  const identity = identities[set.identity];
  const settings = openSettings(unhex(set.files[SETTINGS].sealed), identity);
  assert.equal(settings.instance, set.instance);
  for (const file of SEALED) {
    const { nonce, plaintext, payload, sealed } = set.files[file];
    equalHex(seal(unhex(plaintext), file, identity, unhex(nonce)), sealed, `set: ${file}`);
    equalHex(open(unhex(sealed), file, identity), plaintext, `set: ${file}`);
    if (file === SETTINGS) {
      assert.deepEqual(settings, payload);
    } else {
      assert.deepEqual(openMember(unhex(sealed), file, identity, settings), payload);
      const hmac_sha256 = fileHmac(unhex(sealed), identity, unhex(set.instance)).toString("hex");
      assert.deepEqual(settings.manifest[file], { size: unhex(sealed).length, hmac_sha256 });
    }
  }
}

function equalHex(bytes, hex, label) {
  assert.equal(bytes.toString("hex"), hex, label);
}

// Commands

function unhex(text) {
  assert(/^([0-9a-f]{2})*$/.test(text), "not hex");
  return Buffer.from(text, "hex");
}

function answer(cases, work) {
  const results = cases.map((item) => {
    try {
      return work(item);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return { error: error.kind };
    }
  });
  return { results };
}

const standardInput = () => JSON.parse(readFileSync(0, "utf8"));
const print = (document) => process.stdout.write(`${JSON.stringify(document)}\n`);

const COMMANDS = {
  verify: (path) => print(verify(JSON.parse(readFileSync(path, "utf8")))),
  seal: () =>
    print(
      answer(standardInput().cases, ({ identity, file, nonce, plaintext }) => {
        const given = nonce === undefined ? undefined : unhex(nonce);
        return { sealed: seal(unhex(plaintext), file, identity, given).toString("hex") };
      }),
    ),
  open: () =>
    print(
      answer(standardInput().cases, ({ identity, file, sealed }) => ({
        plaintext: open(unhex(sealed), file, identity).toString("hex"),
      })),
    ),
  "open-set": (folder) => {
    const { results } = answer([standardInput()], (identity) => openSet(folder, identity));
    print(results[0]);
    if (results[0].error) process.exitCode = 1;
  },
};

const [command, argument] = process.argv.slice(2);
if (!Object.hasOwn(COMMANDS, command ?? "")) {
  process.stderr.write("usage: node sealing.mjs verify FILE | seal | open | open-set FOLDER\n");
  process.exitCode = 2;
} else {
  COMMANDS[command](argument);
}
