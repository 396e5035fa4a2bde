# Times of R's mixed models, for benchmarks/growth.py: row, package and milliseconds, tab-separated.
# Rscript growth_peers.R SMALL.csv LARGE.csv ROUNDS; columns arm, animal, time, y.

arguments <- commandArgs(trailingOnly = TRUE)
rounds <- as.integer(arguments[3])

read_readings <- function(path) {
  d <- read.csv(path)
  d$arm <- factor(d$arm)
  d$animal <- factor(d$animal)
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

report <- function(row, name, work) {
  ms <- tryCatch(median_ms(work), error = function(e) conditionMessage(e))
  if (is.numeric(ms)) say(row, name, ms) else say("word", name, sub("[\n\t].*", "", ms))
}

has <- function(name) {
  found <- requireNamespace(name, quietly = TRUE)
  if (!found) say("word", name, "is not installed: skipped")
  found
}

small <- read_readings(arguments[1])
large <- read_readings(arguments[2])

# Rate of each arm less that of the first.
differences <- function(d) {
  arms <- nlevels(d$arm)
  cbind(0, -1, rbind(diag(arms - 1)))
}

if (has("lme4")) {
  line <- function(d) lme4::lmer(y ~ time:arm + (time | animal), d, REML = TRUE)
  report("fit", "lme4", function() line(small))
  report("16 arms: fit, Kenward-Roger", "lme4, fit alone", function() line(large))
  if (has("pbkrtest")) {
    kenward_roger <- function(d) {
      fit <- line(d)
      adjusted <- pbkrtest::vcovAdj(fit)
      rows <- differences(d)
      df <- apply(rows, 1, function(row) pbkrtest::Lb_ddf(row, vcov(fit), adjusted))
      list(fit = fit, covariance = as.matrix(adjusted), df = df)
    }
    report("fit, Kenward-Roger", "pbkrtest", function() kenward_roger(small))
    report("16 arms: fit, Kenward-Roger", "pbkrtest", function() kenward_roger(large))
    if (has("multcomp")) {
      report("fit, Kenward-Roger, Dunnett", "pbkrtest, then multcomp", function() {
        found <- kenward_roger(small)
        tests <- multcomp::glht(found$fit, linfct = differences(small), vcov. = found$covariance,
                                df = floor(min(found$df)))
        list(summary(tests), confint(tests))
      })
    }
  }
}

if (has("lmerTest")) {
  table <- function(d) {
    fit <- lmerTest::lmer(y ~ time:arm + (time | animal), d, REML = TRUE)
    list(fit = fit, table = summary(fit, ddf = "Kenward-Roger"))
  }
  report("fit, Kenward-Roger", "lmerTest", function() table(small))
  if (has("multcomp")) {
    report("fit, Kenward-Roger, Dunnett", "lmerTest, then multcomp", function() {
      found <- table(small)
      tests <- multcomp::glht(found$fit, linfct = differences(small))
      list(summary(tests), confint(tests))
    })
  }
}

if (has("nlme")) {
  report("fit", "nlme", function() {
    nlme::lme(y ~ time:arm, small, random = ~ time | animal, method = "REML",
              control = nlme::lmeControl(returnObject = TRUE))
  })
  report("Gompertz mixed model", "nlme", function() {
    arms <- nlevels(small$arm)
    nlme::nlme(
      y ~ level + rate * (1 - exp(-exp(decay) * time)) / exp(decay), small,
      fixed = list(level ~ 1, rate ~ arm - 1, decay ~ 1),
      random = nlme::pdDiag(level + rate ~ 1), groups = ~animal,
      start = c(5, rep(0.08, arms), log(0.01)),
      control = nlme::nlmeControl(returnObject = TRUE)
    )
  })
}
