// The page takes uPlot from beside it, where the server puts it.
export { default } from "uplot";
