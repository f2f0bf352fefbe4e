/** Of this service; shown by discovery. */
export const SERVICE_VERSION = "0.1.0";
