// Reads signed requests as JSON lines and prints what Twilio's Node library says of each: true or false.
"use strict";

const path = require("path");
const twilio = require(path.resolve("target/oracles/node_modules/twilio"));

function fields(pairs) {
  const result = Object.create(null);
  for (const [name, value] of pairs) {
    if (!(name in result)) result[name] = value;
    else result[name] = [].concat(result[name], value);
  }
  return result;
}

function judge({ token, url, fields: pairs, body, signature }) {
  if (body !== null) return twilio.validateRequestWithBody(token, signature, url, body);
  return twilio.validateRequest(token, signature, url, fields(pairs));
}

let text = "";
process.stdin.setEncoding("utf8");
process.stdin.on("data", (part) => (text += part));
process.stdin.on("end", () => {
  const lines = text.split("\n").filter((line) => line !== "");
  process.stdout.write(lines.map((line) => `${judge(JSON.parse(line))}\n`).join(""));
});
