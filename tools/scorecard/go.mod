module scorecard-pin

go 1.25.6

require github.com/ossf/scorecard/v5 v5.5.0
