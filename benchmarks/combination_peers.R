# Times of R's tests of synergy, for benchmarks/combination.py: row, package and milliseconds,
# tab-separated. Rscript combination_peers.R STUDY.csv ROUNDS; columns arm (Control, DrugA, DrugB,
# Combination), animal, time, size.

arguments <- commandArgs(trailingOnly = TRUE)
rounds <- as.integer(arguments[2])
study <- read.csv(arguments[1])

say <- function(row, name, value) cat(row, "\t", name, "\t", value, "\n", sep = "")

median_ms <- function(work) {
  once <- function() {
    begin <- proc.time()[["elapsed"]]
    capture.output(suppressWarnings(suppressMessages(work())))
    1000 * (proc.time()[["elapsed"]] - begin)
  }
  first <- once()
  median(replicate(if (first > 300) 3 else rounds, once()))
}

report <- function(row, name, work) {
  ms <- tryCatch(median_ms(work), error = function(e) conditionMessage(e))
  if (is.numeric(ms)) say(row, name, ms) else say("word", name, sub("[\n\t].*", "", ms))
}

has <- function(name) {
  found <- requireNamespace(name, quietly = TRUE)
  if (!found) say("word", name, "is not installed: skipped")
  found
}

if (has("SynergyLMM")) {
  fit <- function() {
    SynergyLMM::lmmModel(study, sample_id = "animal", time = "time", treatment = "arm",
                         tumor_vol = "size", trt_control = "Control", drug_a = "DrugA",
                         drug_b = "DrugB", combination = "Combination", show_plot = FALSE)
  }
  # The first days alone do not tell all variances.
  from <- sort(unique(study$time[study$time > 0]))[2]
  report("all", "SynergyLMM, Bliss by day", function() {
    SynergyLMM::lmmSynergy(fit(), method = "Bliss", min_time = from, show_plot = FALSE)
  })
  report("additivity", "SynergyLMM, 1,000 draws", function() {
    SynergyLMM::lmmSynergy(fit(), method = "RA", min_time = max(study$time), ra_nsim = 1000,
                           show_plot = FALSE)
  })
}

if (has("invivoSyn")) {
  suppressMessages(library(invivoSyn))
  study$arm <- factor(study$arm, levels = c("Control", "DrugA", "DrugB", "Combination"))
  sizes <- data.frame(Group = factor(paste("Group", as.integer(study$arm))),
                      Treatment = study$arm, Mouse = study$animal, Day = study$time,
                      TV = study$size)
  report("area", "invivoSyn", function() {
    areas <- get_mAUCr(expand_tv(sizes))
    AUC_synergy(areas, boot_n = 1000, save = FALSE, display = FALSE)
  })
}
