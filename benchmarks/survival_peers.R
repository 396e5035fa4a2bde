# Times of R's survival methods, for benchmarks/survival.py: row, package and milliseconds,
# tab-separated. Rscript survival_peers.R ONE.csv MANY.csv ROUNDS STUDIES; columns study, arm, time,
# event. Times of the studies of MANY.csv are scaled to STUDIES.

arguments <- commandArgs(trailingOnly = TRUE)
rounds <- as.integer(arguments[3])
studies <- as.integer(arguments[4])

read_animals <- function(path) {
  d <- read.csv(path)
  d$arm <- factor(d$arm)
  d
}

say <- function(row, name, value) cat(row, "\t", name, "\t", value, "\n", sep = "")

median_ms <- function(work) {
  once <- function() {
    begin <- proc.time()[["elapsed"]]
    suppressWarnings(suppressMessages(work()))
    1000 * (proc.time()[["elapsed"]] - begin)
  }
  first <- once()
  median(replicate(if (first > 300) 3 else rounds, once()))
}

report <- function(row, name, work, scale = 1) {
  ms <- tryCatch(scale * median_ms(work), error = function(e) conditionMessage(e))
  if (is.numeric(ms)) say(row, name, ms) else say("word", name, sub("[\n\t].*", "", ms))
}

one <- read_animals(arguments[1])
many <- split(read_animals(arguments[2]), read_animals(arguments[2])$study)
scale <- studies / length(many)

if (requireNamespace("survival", quietly = TRUE)) {
  suppressMessages(library(survival))
  # ten at once: one is too short for the clock
  report("one", "survival", function() {
    for (round in 1:10) {
      quantile(survfit(Surv(time, event) ~ arm, one, conf.type = "log-log"), 0.5)
      survdiff(Surv(time, event) ~ arm, one)
      coxph(Surv(time, event) ~ arm, one, ties = "efron")
    }
  }, 0.1)
  report("rank", "survival", function() {
    for (d in many) survdiff(Surv(time, event) ~ arm, d)
  }, scale)
  report("firth", "survival, without penalty", function() {
    for (d in many) coxph(Surv(time, event) ~ arm, d, ties = "efron")
  }, scale)
  values <- c(
    survdiff(Surv(time, event) ~ arm, one)$chisq,
    coef(coxph(Surv(time, event) ~ arm, one, ties = "efron"))
  )
  say("values", "survival", paste(format(values, digits = 15), collapse = " "))
} else {
  say("word", "survival", "not installed: skipped")
}

if (requireNamespace("coxphf", quietly = TRUE)) {
  suppressMessages(library(coxphf))
  report("firth", "coxphf", function() {
    for (d in many) coxphf(Surv(time, event) ~ arm, d, pl = FALSE)
  }, scale)
} else {
  say("word", "coxphf", "not installed: skipped")
}
