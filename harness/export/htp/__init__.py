"""Components for the HTP: calibrated, quantized and compiled by Qualcomm."""
