"""Markers: what assays measured, and how markers go with response."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oncovivo.lazy import import_when_used

if TYPE_CHECKING:
    from oncovivo.biomarkers.animal_values import (
        AnimalValue,
        AnimalValues,
        animal_values,
    )
    from oncovivo.biomarkers.assay_plots import (
        plot_assay,
        plot_inhibition_course,
    )
    from oncovivo.biomarkers.assays import (
        ASSAYS,
        Assay,
        find_assay,
    )
    from oncovivo.biomarkers.association import (
        LineMatch,
        associate,
        match_lines,
    )
    from oncovivo.biomarkers.association_fits import (
        MarkerInfluence,
        MarkerView,
        leave_one_line_out,
        marker_view,
    )
    from oncovivo.biomarkers.association_plots import (
        plot_association_volcano,
        plot_marker_levels,
        plot_marker_response,
    )
    from oncovivo.biomarkers.association_result import (
        Association,
        LineResponse,
        line_response,
    )
    from oncovivo.biomarkers.categorical import (
        exact_table_test,
        fisher_table,
    )
    from oncovivo.biomarkers.concordance import (
        Concordance,
        area_under_curve,
        concordance_index,
    )
    from oncovivo.biomarkers.discovery import (
        q_values,
    )
    from oncovivo.biomarkers.engagement import (
        EngagementAndResponse,
        LineEngagement,
        compare_engagement,
    )
    from oncovivo.biomarkers.feature_files import (
        read_features,
    )
    from oncovivo.biomarkers.features import (
        Feature,
        FeatureTable,
        feature_table,
        join_features,
    )
    from oncovivo.biomarkers.firth_logistic import (
        FirthLogistic,
        firth_logistic,
    )
    from oncovivo.biomarkers.genotype import (
        GenotypeTable,
        read_genotypes,
    )
    from oncovivo.biomarkers.group_comparison import (
        AssayComparison,
        compare_groups,
    )
    from oncovivo.biomarkers.ihc import (
        allred_score,
        h_score,
        labeling_index,
        microvessel_density,
        percent_positive,
    )
    from oncovivo.biomarkers.inhibition import (
        AnimalInhibition,
        GroupInhibition,
        Inhibition,
        percent_inhibition,
    )
    from oncovivo.biomarkers.joint_association import (
        associate_jointly,
    )
    from oncovivo.biomarkers.learners import PredictionSettings
    from oncovivo.biomarkers.marker_growth import (
        MarkerEffect,
        MarkerGrowth,
        fit_marker_growth,
    )
    from oncovivo.biomarkers.marker_reading import read_markers
    from oncovivo.biomarkers.marker_table import (
        MarkerTable,
        markers_of_study,
    )
    from oncovivo.biomarkers.prediction import (
        FeaturePart,
        LinePrediction,
        Prediction,
        predict_line_response,
    )
    from oncovivo.biomarkers.prediction_plots import (
        plot_engagement,
        plot_feature_stability,
        plot_observed_predicted,
    )
    from oncovivo.biomarkers.predictive import (
        LinePairs,
        PredictiveMarkers,
        line_pairs,
        predictive_markers,
    )
    from oncovivo.biomarkers.qpcr import (
        amplification_factor,
        normalized_qpcr,
        relative_quantity,
    )
    from oncovivo.biomarkers.quantification import (
        LimitedMean,
        limited_mean,
    )
    from oncovivo.biomarkers.ratios import (
        ratio_table,
        signal_ratio,
    )
    from oncovivo.biomarkers.remarks import Remark
    from oncovivo.biomarkers.repeated_readings import (
        CourseFit,
        fit_course,
    )
    from oncovivo.biomarkers.repeated_tests import course_f_test
    from oncovivo.biomarkers.response_prediction import predict_response
    from oncovivo.biomarkers.time_course import (
        TimeCourse,
        time_course,
    )
    from oncovivo.biomarkers.timing import (
        MarkerTiming,
        marker_timing,
    )
    from oncovivo.biomarkers.within_study import (
        MarkerCorrelation,
        correlate_marker,
    )

__all__ = [
    "ASSAYS",
    "AnimalInhibition",
    "AnimalValue",
    "AnimalValues",
    "Assay",
    "AssayComparison",
    "Association",
    "Concordance",
    "CourseFit",
    "EngagementAndResponse",
    "Feature",
    "FeaturePart",
    "FeatureTable",
    "FirthLogistic",
    "GenotypeTable",
    "GroupInhibition",
    "Inhibition",
    "LimitedMean",
    "LineEngagement",
    "LineMatch",
    "LinePairs",
    "LinePrediction",
    "LineResponse",
    "MarkerCorrelation",
    "MarkerEffect",
    "MarkerGrowth",
    "MarkerInfluence",
    "MarkerTable",
    "MarkerTiming",
    "MarkerView",
    "Prediction",
    "PredictionSettings",
    "PredictiveMarkers",
    "Remark",
    "TimeCourse",
    "allred_score",
    "amplification_factor",
    "animal_values",
    "area_under_curve",
    "associate",
    "associate_jointly",
    "compare_engagement",
    "compare_groups",
    "concordance_index",
    "correlate_marker",
    "course_f_test",
    "exact_table_test",
    "feature_table",
    "find_assay",
    "firth_logistic",
    "fisher_table",
    "fit_course",
    "fit_marker_growth",
    "h_score",
    "join_features",
    "labeling_index",
    "leave_one_line_out",
    "limited_mean",
    "line_pairs",
    "line_response",
    "marker_timing",
    "marker_view",
    "markers_of_study",
    "match_lines",
    "microvessel_density",
    "normalized_qpcr",
    "percent_inhibition",
    "percent_positive",
    "plot_assay",
    "plot_association_volcano",
    "plot_engagement",
    "plot_feature_stability",
    "plot_inhibition_course",
    "plot_marker_levels",
    "plot_marker_response",
    "plot_observed_predicted",
    "predict_line_response",
    "predict_response",
    "predictive_markers",
    "q_values",
    "ratio_table",
    "read_features",
    "read_genotypes",
    "read_markers",
    "relative_quantity",
    "signal_ratio",
    "time_course",
]

import_when_used(__name__)
