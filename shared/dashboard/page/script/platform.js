// What the platform is made of: its tables and their fields.
import { get } from "./api.js";

let known = { tables: [], max_upload_bytes: 0 };

export async function learn() {
  known = await get("/dashboard/tables");
}

export const tables = () => known.tables;
export const largest = () => known.max_upload_bytes;
export const fieldsOf = (name) => known.tables.find((table) => table.name === name)?.fields ?? [];
