// Own files as attachments: which kind of message they become, and their bytes for the API.

/** The kind of message that shows a file; `asFile` sends any file as a document, `asVoice` a sound as a voice message. */
function kindOf({ file, asFile, asVoice }) {
  if (asVoice) return "voice";
  if (asFile) return "document";
  if (file.type === "image/gif") return "animation";
  if (file.type.startsWith("image/") && file.type !== "image/svg+xml") return "photo";
  if (file.type.startsWith("video/")) return "video";
  if (file.type === "audio/ogg") return "voice";
  return file.type.startsWith("audio/") ? "audio" : "document";
}

function read(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(reader.result.slice(reader.result.indexOf(",") + 1)));
    reader.addEventListener("error", () => reject(reader.error));
    reader.readAsDataURL(file);
  });
}

const encoded = async ({ file }) => ({ name: file.name, type: file.type || "application/octet-stream", content: await read(file) });

/** The content of a message with these files: one file, or an album of one kind. */
export async function contentOf(files) {
  if (files.length === 1) return { kind: kindOf(files[0]), file: await encoded(files[0]) };
  const kinds = files.map(kindOf);
  const visual = kinds.every((kind) => kind === "photo" || kind === "video");
  const same = visual || kinds.every((kind) => kind === "audio");
  return { kind: "album", files: await Promise.all(files.map(async (one, at) => ({ kind: same ? kinds[at] : "document", file: await encoded(one) }))) };
}

/** The names of the files in one line. */
export const describe = (files) => files.map(({ file }) => file.name).join(", ");
