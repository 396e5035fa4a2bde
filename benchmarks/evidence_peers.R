# Times of R's metafor, for benchmarks/evidence.py: row, package and milliseconds, tab-separated.
# Rscript evidence_peers.R FOLDER ROUNDS; tables with the columns row, paper, yi, vi.

arguments <- commandArgs(trailingOnly = TRUE)
folder <- arguments[1]
rounds <- as.integer(arguments[2])

say <- function(row, name, value) cat(row, "\t", name, "\t", value, "\n", sep = "")

# A clock of whole milliseconds cannot time a few of them: several calls count as one.
median_ms <- function(work, calls) {
  once <- function() {
    begin <- proc.time()[["elapsed"]]
    for (call in seq_len(calls)) suppressWarnings(suppressMessages(work()))
    1000 * (proc.time()[["elapsed"]] - begin) / calls
  }
  first <- once()
  median(replicate(if (first > 300) 3 else rounds, once()))
}

report <- function(row, name, work, calls = 1) {
  ms <- tryCatch(median_ms(work, calls), error = function(e) conditionMessage(e))
  if (is.numeric(ms)) say(row, name, ms) else say("word", name, sub("[\n\t].*", "", ms))
}

if (requireNamespace("metafor", quietly = TRUE)) {
  name <- paste("metafor", packageVersion("metafor"))
  say("word", name, "timed here")
  for (row in c("small", "large", "nested56", "nested500", "besson")) {
    path <- file.path(folder, paste0(row, ".csv"))
    if (!file.exists(path)) next
    d <- read.csv(path)
    if (row %in% c("small", "large")) {
      report(row, name, function() metafor::rma(yi, vi, data = d, method = "REML", test = "knha"),
             calls = if (row == "small") 10 else 1)
    } else {
      report(row, name, function() {
        metafor::rma.mv(yi, vi, random = ~ 1 | paper / row, data = d, test = "t")
      })
    }
  }
} else {
  say("word", "metafor", "is not installed: skipped")
}
