// Where the viewer has its picture, maps and boxes from: an image of the pool, or a file of the user's.
import { HeatMap } from "./heat_map.js";
import { ServiceError } from "./service.js";
import { uprightPicture } from "./upright_picture.js";

const BEST_BOXES = 20; // of an own image

/** An image of the run's pool under one iteration. */
export class PoolSource {
  constructor(service, model, imageId, iteration) {
    Object.assign(this, { service, model, iteration, title: imageId });
    this.path = `v1/pool/${encodeURIComponent(imageId)}`;
  }

  async picture(signal) {
    const blob = await this.service.blob(`${this.path}/image`, { signal, query: { iteration: this.iteration } });
    return createImageBitmap(blob);
  }

  async map(name, signal) {
    const query = { map: name, format: "png", iteration: this.iteration };
    return decoded(name, await this.service.request(`${this.path}/map`, { signal, query }), this.model);
  }

  /** {split, wholly, labelled: [box], boxes: [box with rank, score, estimated_clicks]}. */
  async regions(signal) {
    const answer = await this.service.json(this.path, { signal, query: { iteration: this.iteration } });
    return { split: answer.split, wholly: answer.wholly_labelled, labelled: answer.labelled, boxes: answer.query };
  }
}

/** A picture that the user has dropped, chosen or pasted; nothing of it is labelled. */
export class OwnSource {
  /** settings: {strategy, box_width}. progress(share): of the upload. */
  constructor(service, model, file, iteration, settings, progress) {
    Object.assign(this, { service, model, file, iteration, settings, progress, title: file.name });
  }

  /** Where the browser can't decode the file, the service says what is wrong with it. */
  async picture(signal) {
    try {
      this.file = await uprightPicture(this.file);
      return await createImageBitmap(this.file);
    } catch {
      await this.post("v1/boxes", { k: 1 }, signal);
      throw new ServiceError(422, `This browser can't show ${this.file.name}: choose a PNG or JPEG file.`);
    }
  }

  async map(name, signal) {
    return decoded(name, await this.post("v1/priority-map", { map: name, format: "png" }, signal), this.model);
  }

  async regions(signal) {
    const answer = await (await this.post("v1/boxes", { k: BEST_BOXES }, signal)).json();
    return { split: null, wholly: false, labelled: [], boxes: answer.boxes };
  }

  post(path, query, signal) {
    return this.service.request(path, {
      method: "POST", body: this.file, headers: { "Content-Type": this.file.type || "application/octet-stream" }, signal, progress: this.progress,
      query: { ...query, ...this.settings, iteration: this.iteration },
    });
  }
}

async function decoded(name, response, model) {
  const top = Number(response.headers.get("X-Raymeta-Scale") ?? 1);
  return HeatMap.decode(name, await response.blob(), top, model.classes);
}
