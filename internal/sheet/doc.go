// Package sheet writes tables: as text for a terminal, as JSON, CSV and XLSX for
// programs, and as one HTML file to keep or to send.
//
// # Nouns
//
// A Table has Columns and Rows; a row is a list of cells, one for each column. A
// Document is one or several tables that are written together. A Format says how.
//
// # Guarantees
//
// Rows are taken one by one and, but for a bounded number of them, not kept: ten
// million fit. Nothing is written for a row that fails, and the error is returned.
//
// Text comes from people whom nobody here trusts. It stays text everywhere:
//
//   - in a text table and in HTML, control characters, escape sequences and
//     whatever turns the direction of writing are shown as \u202e and the like
//     (Visible), and text tables cut long cells (Cut);
//   - in CSV and XLSX, cells that a spreadsheet would take for a formula are
//     text, and control characters are left out;
//   - in JSON it is exact, with such characters written as escapes.
package sheet
