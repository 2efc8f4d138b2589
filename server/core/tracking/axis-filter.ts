/**
 * Kalman filter of one coordinate that moves at constant velocity; the unit of time is a frame.
 *
 * The filters of all trackers here have diagonal noise and tie each coordinate to its own velocity alone. Their
 * covariances then stay zero between coordinates, and the matrices of 8 by 8 or 7 by 7 fall apart into blocks of 2 by 2:
 * this one. The results are the same at a fraction of the work.
 */
export class AxisFilter {
  position: number;
  /** A frame. */
  velocity = 0;
  /** Variance of the position. */
  positionVariance: number;
  /** Covariance of position and velocity. */
  covariance = 0;
  /** Variance of the velocity. */
  velocityVariance: number;

  constructor(position: number, positionVariance: number, velocityVariance: number) {
    this.position = position;
    this.positionVariance = positionVariance;
    this.velocityVariance = velocityVariance;
  }

  /** Moves on by a frame, in which position and velocity gather noise of these variances. */
  predict(positionNoise: number, velocityNoise: number): void {
    this.position += this.velocity;
    this.positionVariance += 2 * this.covariance + this.velocityVariance + positionNoise;
    this.covariance += this.velocityVariance;
    this.velocityVariance += velocityNoise;
  }

  /** Takes in a measured position whose noise has this variance. */
  update(measured: number, noise: number): void {
    const innovation = measured - this.position;
    const variance = this.positionVariance + noise;
    const gain = this.positionVariance / variance;
    const velocityGain = this.covariance / variance;
    this.position += gain * innovation;
    this.velocity += velocityGain * innovation;
    this.velocityVariance -= velocityGain * this.covariance;
    this.covariance -= gain * this.covariance;
    this.positionVariance -= gain * this.positionVariance;
  }

  /** Becomes what another filter is now. */
  copy(other: AxisFilter): void {
    this.position = other.position;
    this.velocity = other.velocity;
    this.positionVariance = other.positionVariance;
    this.covariance = other.covariance;
    this.velocityVariance = other.velocityVariance;
  }
}
