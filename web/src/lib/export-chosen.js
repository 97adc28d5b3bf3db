// Several conversations as one file, which the browser writes to the disk as it comes.
import { batchExportChats, chosenForm } from "@/api/chat.js";

import { saveFile, saveFromForm } from "./save-file.js";

/**
 * @param {{ chatIds: string[] } & import("@/api/chat.js").ExportOptions} wanted
 * @param {(error: Error) => void} onFailure later, where no file came
 */
export const exportChosen = (wanted, onFailure) => saveFromForm(chosenForm(wanted), () => tell(wanted, onFailure));

/** Why it was refused, nobody but the server says: it is asked in a way in which the page hears the answer. */
const tell = (wanted, onFailure) => batchExportChats(wanted).then(saveFile, onFailure);
