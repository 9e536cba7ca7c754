# One Chorus node. Node.js is the image's own: without install scripts the npm package `node` brings no binary.
FROM node:26-slim AS packages
WORKDIR /chorus
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:26-slim
ENV NODE_ENV=production CHORUS_DATA_DIR=/data
WORKDIR /chorus
RUN install -d -o node -g node /data
COPY --from=packages /chorus/node_modules node_modules
COPY package.json ./
COPY docs/openapi.yaml docs/
COPY src src
VOLUME /data
USER node
EXPOSE 8001
CMD ["node", "src/main.ts"]
