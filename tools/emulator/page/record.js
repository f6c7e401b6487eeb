// Voice messages recorded with the microphone.

let recorder = null;

/** Whether this browser can record, and this address may ask for the microphone. */
export const canRecord = () => Boolean(navigator.mediaDevices?.getUserMedia && window.MediaRecorder);

export const isRecording = () => Boolean(recorder);

/** Starts to record; the browser asks for the microphone first. */
export async function startRecording() {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  const type = ["audio/ogg", "audio/webm", "audio/mp4"].find((one) => MediaRecorder.isTypeSupported(one));
  recorder = new MediaRecorder(stream, type ? { mimeType: type } : {});
  recorder.pieces = [];
  recorder.addEventListener("dataavailable", (event) => recorder?.pieces.push(event.data));
  recorder.start();
}

/** Ends the recording and resolves with its file. */
export function stopRecording() {
  const ending = recorder;
  return new Promise((resolve) => {
    ending.addEventListener("stop", () => {
      const [type] = ending.mimeType.split(";");
      resolve(new File(ending.pieces, `voice.${type.split("/")[1] || "ogg"}`, { type }));
      release(ending);
    });
    ending.stop();
  });
}

/** Ends the recording and drops it. */
export function dropRecording() {
  if (!recorder) return;
  recorder.stop();
  release(recorder);
}

function release(ending) {
  ending.stream.getTracks().forEach((track) => track.stop());
  recorder = null;
}
