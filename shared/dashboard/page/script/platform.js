// The tables of the platform and their fields, and its limit for uploads.
import { get } from "./api.js";

let known = { tables: [], max_upload_bytes: 0 };

export async function loadTables() {
  known = await get("/dashboard/tables");
}

export const tables = () => known.tables;
export const maxUploadBytes = () => known.max_upload_bytes;
export const fieldsOf = (name) => known.tables.find((table) => table.name === name)?.fields ?? [];
