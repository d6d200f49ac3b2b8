/* cli/plot/plot_scale.c — round ticks and even colours. */
#include <math.h>

#include "cli/plot/plot.h"

double plot_step(double least, double most, int wanted)
{
    double raw = (most - least) / wanted;
    if (!(raw > 0))
        return 1;
    double power = pow(10, floor(log10(raw)));
    double lead = raw / power; /* 1 <= lead < 10 */
    double round = lead <= 1 ? 1 : lead <= 2 ? 2 : lead <= 5 ? 5 : 10;
    return round * power;
}

static double gamma_of(double linear)
{
    double v = linear <= 0.0031308 ? 12.92 * linear : 1.055 * pow(linear, 1 / 2.4) - 0.055;
    return v < 0 ? 0 : v > 1 ? 1 : v;
}

/* OKLab (Ottosson 2020, which has the two matrices) to sRGB. */
static void from_oklab(double L, double a, double b, double rgb[3])
{
    double l = pow(L + 0.3963377774 * a + 0.2158037573 * b, 3);
    double m = pow(L - 0.1055613458 * a - 0.0638541728 * b, 3);
    double s = pow(L - 0.0894841775 * a - 1.2914855480 * b, 3);

    rgb[0] = gamma_of(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s);
    rgb[1] = gamma_of(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s);
    rgb[2] = gamma_of(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s);
}

/* From nearly white over green to dark blue, a straight line in the lightness of OKLab: so 0 fades
 * into the paper, a step is a step wherever it is, and a grey print or a colour-blind eye still
 * reads it. Hue and chroma were chosen by eye, within what a screen can show. */
void plot_colour(double t, double rgb[3])
{
    const double degree = acos(-1) / 180;
    double L = 0.975 - 0.665 * t, hue = (112 + 158 * t) * degree;
    double chroma = 0.018 + 0.2 * t * (1 - t) + 0.035 * t;
    from_oklab(L, chroma * cos(hue), chroma * sin(hue), rgb);
}

void plot_hue(double lightness, double chroma, double turn, double rgb[3])
{
    const double hue = 2 * acos(-1) * turn;
    from_oklab(lightness, chroma * cos(hue), chroma * sin(hue), rgb);
}
